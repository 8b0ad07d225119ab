"""``python -m testbed.runner`` as a process: how it starts and ends, and what a violent end leaves."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import gitlab
import psutil
import pytest
from gitlab.v4.objects import Project

from tests.contract.gitlab.support import Double, eventually
from tests.contract.runner.conftest import Bench

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def begin(double: Double, tmp_path: Path) -> Iterator[Start]:
    """Start the runner with a token."""
    outside = Path(tempfile.mkdtemp(prefix="runner-"))
    outside.chmod(0o711)
    started: list[subprocess.Popen[str]] = []

    def start(token: str, mode: int = 0o600) -> subprocess.Popen[str]:
        file = tmp_path / "token"
        file.write_text(token)
        file.chmod(mode)
        command = [
            *(sys.executable, "-m", "testbed.runner", f"--url={double.url}", f"--token-file={file}"),
            *(f"--state={tmp_path / 'state'}", f"--builds={outside / 'builds'}"),
            *("--check-interval=0.2", "--stop-limit=0.2"),
        ]
        started.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate(timeout=10)
    shutil.rmtree(outside)


@pytest.fixture
def token(bot: gitlab.Gitlab, project: Project) -> str:
    """The token of a runner that is the project's only one."""
    project.group_runners_enabled = False
    project.save()
    made = bot.http_post("/user/runners", post_data={"runner_type": "project_type", "project_id": project.id})
    assert isinstance(made, dict)
    return str(made["token"])


def sleeping(mark: str) -> bool:
    """Whether a job's sleep is there."""
    return any(["sleep", mark] == each.info["cmdline"] for each in psutil.process_iter(["cmdline"]))


def test_nothing_is_left_of_a_killed_runner_and_its_job_is_failed_at_the_next_start(
    bench: Bench, token: str, begin: Start
) -> None:
    number = bench.add(script=["sleep 9876.5 & sleep 9876.5"])
    runner = begin(token)
    eventually(lambda: sleeping("9876.5"))
    runner.send_signal(signal.SIGKILL)
    eventually(lambda: not sleeping("9876.5"))
    assert bench.facts(number)[0] == "running", "nobody has told GitLab"
    begin(token)
    assert bench.ended(number)[:2] == ("failed", "runner_system_failure")


def test_a_runner_that_is_told_to_ends_in_order(bench: Bench, token: str, begin: Start, tmp_path: Path) -> None:
    runner = begin(token)
    eventually((tmp_path / "state" / "ready").is_file)
    assert (tmp_path / "state" / "ready").read_text() == str(runner.pid)
    runner.terminate()
    assert runner.wait(15) == 0


@pytest.mark.parametrize(
    ("wrong", "mode", "sentence"),
    [
        ("glrt-unknown", 0o600, "GitLab does not know the runner's token"),
        ("glrt-open", 0o644, "others may read the runner's token"),
        ("", 0o600, "is empty"),
    ],
)
def test_a_runner_without_a_good_token_says_so_and_ends(begin: Start, wrong: str, mode: int, sentence: str) -> None:
    runner = begin(wrong, mode)
    _, said = runner.communicate(timeout=20)
    assert runner.returncode == 1
    assert sentence in said
    assert "glrt-" not in said
