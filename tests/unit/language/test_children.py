"""Processes that the language host starts."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import psutil
import pytest

from testbed.language.children import CancelledError, Children, chunks


def _python(script: str) -> list[str]:
    return [sys.executable, "-u", "-c", script]


def test_both_streams_arrive_whole_and_apart(tmp_path: Path) -> None:
    script = "import sys\nfor i in range(3): print(i); print(-i, file=sys.stderr)"
    with Children().running(_python(script), env=dict(os.environ), cwd=str(tmp_path), capture=True) as child:
        arrived = list(chunks(child))
        assert child.wait() == 0
    streams = {name: b"".join(item.data for item in arrived if item.stream == name) for name in ("stdout", "stderr")}
    assert streams == {"stdout": b"0\n1\n2\n", "stderr": b"0\n-1\n-2\n"}


def test_output_arrives_while_the_child_still_runs(tmp_path: Path) -> None:
    script = "import time; print('first'); time.sleep(60)"
    children = Children()
    with children.running(_python(script), env=dict(os.environ), cwd=str(tmp_path), capture=True) as child:
        assert next(chunks(child)).data.startswith(b"first")
    assert child.poll() is not None


def test_a_child_ends_with_the_block(tmp_path: Path) -> None:
    script = "import time; time.sleep(60)"
    with Children().running(_python(script), env=dict(os.environ), cwd=str(tmp_path), capture=False) as child:
        assert psutil.pid_exists(child.pid)
    assert not psutil.pid_exists(child.pid)


def test_closing_ends_what_runs_and_starts_nothing_more(tmp_path: Path) -> None:
    children = Children()
    # A shell's background job, as in some pipelines, hands the interrupt down ignored; Python takes it up again here.
    take_up = "signal.signal(signal.SIGINT, signal.default_int_handler)"
    script = f"import signal, time; {take_up}; print('up'); time.sleep(60)"
    with children.running(_python(script), env=dict(os.environ), cwd=str(tmp_path), capture=True) as child:
        output = chunks(child)
        next(output)
        closing = threading.Thread(target=children.close)
        closing.start()
        rest = b"".join(item.data for item in output)
        closing.join()
        assert child.poll() is not None
        assert b"KeyboardInterrupt" in rest
    refused = children.running(_python(""), env={}, cwd=str(tmp_path), capture=False)
    with pytest.raises(CancelledError, match="cancelled"), refused:
        pass
