"""A test run that is killed leaves no testbed behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from testbed.host.leftovers import marked_processes

pytestmark = pytest.mark.integration

RUN = """
from tests.integration.own_testbed import own_testbed
with own_testbed() as testbed:
    print(testbed.layout.root, flush=True)
    testbed.start("up", "--simulated-nodes", "0").wait()
    print("up", flush=True)
    input()
"""


@pytest.mark.parametrize("moment", ["while it brings its testbed up", "when its testbed is up"])
def test_the_testbed_of_a_killed_run_is_removed(moment: str) -> None:
    with subprocess.Popen([sys.executable, "-c", RUN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        root = Path(run.stdout.readline().strip())
        if moment.startswith("when"):
            assert run.stdout.readline() == "up\n"
        deadline = time.monotonic() + 120
        while not marked_processes(root):
            assert time.monotonic() < deadline, "the testbed never started"
            time.sleep(0.2)
        run.kill()
    while root.parent.exists():
        assert time.monotonic() < deadline + 120, f"still there: {root}, {marked_processes(root)}"
        time.sleep(0.5)
    assert marked_processes(root) == []
