from __future__ import annotations

import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from rich.console import Console

from testbed import startup
from testbed.errors import UserError
from testbed.host.supervision import ProcessState, Supervisor
from testbed.processes import NotReadyError, Process
from testbed.progress import Progress
from testbed.startup import Task, bring_down, bring_up, last_lines


class PaperSupervisor:
    """Remembers what it was asked; its processes are whatever the test says."""

    def __init__(self, states: dict[str, str] | None = None) -> None:
        self.events: list[str] = []
        self._states = dict(states or {})

    def states(self) -> dict[str, ProcessState]:
        return {
            name: ProcessState(name=name, state=state, pid=1 if state == "RUNNING" else None, problem="ended with 1")
            for name, state in self._states.items()
        }

    def start(self, name: str) -> None:
        self.events.append(f"start {name}")
        if self._states[name] == "STOPPED":
            self._states[name] = "RUNNING"

    def stop(self, name: str) -> None:
        self.events.append(f"stop {name}")
        self._states[name] = "STOPPED"

    def shutdown(self) -> None:
        self.events.append("shutdown")


class Broken(PaperSupervisor):
    """Gives everything up at once."""

    def start(self, name: str) -> None:
        self._states[name] = "FATAL"


def never() -> None:
    raise NotReadyError("it says 503")


def ready() -> None:
    return


def process(name: str, *after: str, probe: Callable[[], None] = ready, start_limit: int = 60) -> Process:
    return Process(name=name, command=("x",), version="v1", probe=probe, after=after, start_limit=start_limit)


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def up(tmp_path: Path, output: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(startup, "_TICK", 0.005)

    def run(supervisor: PaperSupervisor, *items: Process | Task) -> None:
        progress = Progress(Console(file=output, width=200))
        bring_up(items, supervisor=cast("Supervisor", supervisor), logs=tmp_path, progress=progress)

    return run


def test_a_process_starts_after_what_it_depends_on_is_ready(up: Callable[..., None]) -> None:
    supervisor = PaperSupervisor({"etcd": "STOPPED", "api": "STOPPED"})
    answers = iter([NotReadyError("not yet"), None])

    def etcd_probe() -> None:
        supervisor.events.append("probe etcd")
        if (answer := next(answers)) is not None:
            raise answer

    up(supervisor, process("api", "etcd"), process("etcd", probe=etcd_probe))
    assert supervisor.events == ["start etcd", "probe etcd", "probe etcd", "start api"]


def test_a_task_takes_its_place_between_processes(up: Callable[..., None]) -> None:
    supervisor = PaperSupervisor({"api": "STOPPED", "operator": "STOPPED"})
    task = Task(name="objects", run=lambda: supervisor.events.append("objects"), after=("api",))
    up(supervisor, process("operator", "objects"), task, process("api"))
    assert supervisor.events == ["start api", "objects", "start operator"]


def test_what_runs_already_is_not_started_again(up: Callable[..., None]) -> None:
    supervisor = PaperSupervisor({"etcd": "RUNNING"})
    up(supervisor, process("etcd"))
    assert supervisor.events == []


def test_every_item_gets_one_line_with_its_version_and_time(up: Callable[..., None], output: io.StringIO) -> None:
    up(PaperSupervisor({"etcd": "STOPPED"}), process("etcd"), Task(name="objects", run=ready))
    lines = [line for line in output.getvalue().splitlines() if line.startswith("✓")]
    assert sorted(line.rsplit(" ", 2)[0] for line in lines) == ["✓ etcd v1", "✓ objects"]


def test_a_process_that_was_given_up_fails_with_its_last_words(up: Callable[..., None], tmp_path: Path) -> None:
    (tmp_path / "etcd.log").write_text("starting\nbind: address already in use\n")

    with pytest.raises(UserError, match=r"(?s)etcd: does not stay up: ended with 1.*address already in use"):
        up(Broken({"etcd": "STOPPED"}), process("etcd", probe=never))


def test_a_process_that_keeps_failing_is_given_up_before_its_time(
    up: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(startup, "_BACKOFF_LIMIT", 0.0)

    with pytest.raises(UserError, match="does not stay up"):
        up(PaperSupervisor({"etcd": "BACKOFF"}), process("etcd", probe=never))


def test_a_process_that_never_gets_ready_fails_with_the_reason(up: Callable[..., None]) -> None:
    with pytest.raises(UserError, match="etcd: not ready after 0 s"):
        up(PaperSupervisor({"etcd": "RUNNING"}), process("etcd", probe=never, start_limit=0))


def test_a_task_that_gives_up_fails_the_whole(up: Callable[..., None]) -> None:
    def refuse() -> None:
        raise UserError("the definitions were refused")

    with pytest.raises(UserError, match="objects: the definitions were refused"):
        up(PaperSupervisor(), Task(name="objects", run=refuse))


def test_a_task_that_is_not_ready_is_tried_again(up: Callable[..., None]) -> None:
    attempts = iter([NotReadyError("not yet"), None])

    def run() -> None:
        if (answer := next(attempts)) is not None:
            raise answer

    up(PaperSupervisor(), Task(name="objects", run=run))
    assert next(attempts, "used up") == "used up"


def test_a_supervisor_that_ends_meanwhile_is_reported(up: Callable[..., None]) -> None:
    class Vanishing(PaperSupervisor):
        def start(self, name: str) -> None:
            self._states.clear()

    with pytest.raises(UserError, match="the supervisor has ended"):
        up(Vanishing({"etcd": "STOPPED"}), process("etcd", probe=lambda: time.sleep(0.05)))


@pytest.mark.parametrize(
    ("items", "reason"),
    [
        ((process("a", "b"), process("b", "a")), "waiting for each other: a, b"),
        ((process("a", "ghost"),), "ghost"),
    ],
    ids=["circle", "unknown"],
)
def test_an_impossible_order_is_refused(up: Callable[..., None], items: tuple[Process, ...], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        up(PaperSupervisor(), *items)


def test_processes_stop_before_what_they_depend_on(output: io.StringIO) -> None:
    supervisor = PaperSupervisor(dict.fromkeys(["etcd", "api", "kubelet", "redis"], "RUNNING"))
    items = [process("etcd"), process("api", "etcd"), process("kubelet", "api"), process("redis")]
    bring_down(items, supervisor=cast("Supervisor", supervisor), progress=Progress(Console(file=output)))
    stops = [event for event in supervisor.events if event.startswith("stop")]
    assert stops.index("stop kubelet") < stops.index("stop api") < stops.index("stop etcd")
    assert supervisor.events[-1] == "shutdown"


def test_the_end_of_a_log_is_read_even_of_a_huge_one(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert last_lines(log, 2) == ["line 99998", "line 99999"]


def test_a_log_that_is_not_there_has_no_end(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none.log") == []
