from __future__ import annotations

import io

import pytest
from rich.console import Console

from testbed.progress import Progress


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(output: io.StringIO) -> Progress:
    return Progress(Console(file=output, width=100))


def test_a_finished_step_is_one_line_with_its_time(progress: Progress, output: io.StringIO) -> None:
    with progress.step("making keys"):
        pass
    assert output.getvalue().splitlines()[-1].startswith("✓ making keys 0.")


def test_a_failed_step_is_marked_and_the_failure_goes_on(progress: Progress, output: io.StringIO) -> None:
    with pytest.raises(RuntimeError), progress.step("making keys"):
        raise RuntimeError
    assert output.getvalue().splitlines()[-1].startswith("✗ making keys")


def test_without_a_terminal_a_wait_is_told_now_and_then_not_all_the_time(
    progress: Progress, output: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("testbed.progress.time.monotonic", lambda: now[0])
    for _ in range(100):
        progress.waiting("waiting for etcd")
        now[0] += 0.3
    assert 2 <= output.getvalue().count("waiting for etcd") <= 4


def test_brackets_in_reasons_are_shown_as_they_are(progress: Progress, output: io.StringIO) -> None:
    progress.note("[red]etcd[/] failed: [-]check")
    assert "[red]etcd[/] failed: [-]check" in output.getvalue()


def test_on_a_terminal_a_wait_rewrites_one_line(output: io.StringIO) -> None:
    progress = Progress(Console(file=output, force_terminal=True, width=100))
    with progress.live():
        progress.waiting("waiting for etcd")
        progress.done("etcd", 1.0)
    assert "✓" in output.getvalue()
