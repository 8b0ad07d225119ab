from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from testbed.errors import UserError
from testbed.host import leftovers
from testbed.host.leftovers import claim_name, marked_processes, mounts_below
from testbed.host.supervision import MARKER
from testbed.layout import Layout

MOUNTINFO = """\
22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 0:5 /a /state/one/data/kubelet/pods/x rw - tmpfs tmpfs rw
31 30 0:5 /b /state/one/data/kubelet/pods/x/with\\040space rw - tmpfs tmpfs rw
32 22 0:5 /c /state/one rw - tmpfs tmpfs rw
33 22 0:5 /d /state/one-other/data rw - tmpfs tmpfs rw
"""


def test_mounts_of_the_testbed_are_found_deepest_first_and_no_others() -> None:
    assert mounts_below([Path("/state/one")], MOUNTINFO) == [
        Path("/state/one/data/kubelet/pods/x/with space"),
        Path("/state/one/data/kubelet/pods/x"),
        Path("/state/one"),
    ]


def sleeper(root: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)"], env={**os.environ, MARKER: str(root)}
    )
    while process.pid not in [found.pid for found in marked_processes(root)]:
        time.sleep(0.01)
    return process


def test_processes_are_known_by_the_marker_of_their_own_testbed(tmp_path: Path) -> None:
    with sleeper(tmp_path / "one") as one, sleeper(tmp_path / "two") as two:
        assert [process.pid for process in marked_processes(tmp_path / "one")] == [one.pid]
        one.kill()
        two.kill()


def test_this_process_is_never_a_leftover_although_it_is_marked(
    tmp_path: Path,
) -> None:
    code = (
        "from pathlib import Path; from testbed.host.leftovers import marked_processes\n"
        f"print([p.pid for p in marked_processes(Path({str(tmp_path)!r}))])"
    )
    environment = {**os.environ, MARKER: str(tmp_path)}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_a_process_that_ignores_sigterm_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "_GRACE", 0.3)
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(300)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        leftovers._end([psutil.Process(process.pid)])
        assert not psutil.pid_exists(process.pid)


def test_a_name_in_use_by_a_running_testbed_of_another_state_directory_is_refused(
    layout: Layout, tmp_path: Path
) -> None:
    layout.run.mkdir(parents=True)
    (layout.run / "owner").write_text(str(tmp_path / "elsewhere" / "paper"))
    with sleeper(tmp_path / "elsewhere" / "paper") as process:
        with pytest.raises(UserError, match=r"'paper' is in use by the running testbed in .*elsewhere.*--name"):
            claim_name(layout)
        process.kill()


def test_a_name_is_taken_over_from_a_testbed_that_is_not_running(layout: Layout, tmp_path: Path) -> None:
    layout.run.mkdir(parents=True)
    (layout.run / "owner").write_text(str(tmp_path / "elsewhere"))
    claim_name(layout)
    assert (layout.run / "owner").read_text() == str(layout.root)
