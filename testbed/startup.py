"""Brings processes and one-time tasks up in the order of their dependencies, as many at once as that allows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from testbed.errors import UserError
from testbed.host.supervision import ProcessState, Supervisor
from testbed.processes import NotReadyError, Process
from testbed.progress import Progress

__all__ = ["Task", "bring_down", "bring_up", "last_lines"]

_TICK = 0.1
_WORKERS = 8
_BACKOFF_LIMIT = 12.0
"""Seconds of failed starts in a row after which a process counts as broken."""
_TAIL = 8


@dataclass(frozen=True, kw_only=True)
class Task:
    """Something to do once per bring-up, at its place between the processes."""

    name: str
    run: Callable[[], object]
    """Raises NotReadyError to be tried again, UserError to give up."""
    after: tuple[str, ...] = ()
    limit: int = 60
    """Seconds until it counts as failed."""


@dataclass
class _Entry:
    item: Process | Task
    begun: float | None = None
    attempt: Future[object] | None = None
    reason: str = "not started yet"
    failing_since: float | None = None

    @property
    def limit(self) -> int:
        return self.item.start_limit if isinstance(self.item, Process) else self.item.limit


@dataclass
class _Run:
    supervisor: Supervisor
    logs: Path
    progress: Progress
    pending: dict[str, _Entry]
    ready: set[str] = field(default_factory=set)


def bring_up(items: Sequence[Process | Task], *, supervisor: Supervisor, logs: Path, progress: Progress) -> None:
    """Start everything that is not running and wait until all of it is ready.

    Args:
        items: Processes and tasks, in any order.
        supervisor: Knows the processes already.
        logs: Where the processes' logs are, for the explanation of a failure.
        progress: Gets one line per item.

    Raises:
        UserError: when an item cannot become ready, with the last lines of its log.
    """
    _check_order(items)
    run = _Run(supervisor, logs, progress, {item.name: _Entry(item) for item in items})
    with ThreadPoolExecutor(max_workers=_WORKERS) as pool, progress.live():
        while run.pending:
            states = supervisor.states()
            for name, entry in list(run.pending.items()):
                if entry.begun is None:
                    if run.ready.issuperset(entry.item.after):
                        _begin(run, entry, states)
                elif _advance(run, entry, states, pool):
                    del run.pending[name]
                    run.ready.add(name)
            progress.waiting(_summary(run))
            time.sleep(_TICK)


def bring_down(processes: Sequence[Process], *, supervisor: Supervisor, progress: Progress) -> None:
    """Stop all processes, each before those that it depends on, and then the supervisor itself."""
    remaining = {process.name: process for process in processes}
    with progress.live():
        while remaining:
            needed = {name for process in remaining.values() for name in process.after}
            level = [process for name, process in remaining.items() if name not in needed]
            _stop_all(level, supervisor, progress)
            for process in level:
                del remaining[process.name]
        progress.waiting("supervisord to end")
        supervisor.shutdown()


def last_lines(log: Path, count: int = _TAIL) -> list[str]:
    """The end of a log file; reads no more of it than that."""
    try:
        with log.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - 16384))
            return stream.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def _check_order(items: Iterable[Process | Task]) -> None:
    """Refuse an order that can never be satisfied.

    Raises:
        ValueError: naming the items in question.
    """
    remaining = {item.name: set(item.after) for item in items}
    unknown = {name: after - remaining.keys() for name, after in remaining.items() if after - remaining.keys()}
    if unknown:
        raise ValueError(f"waiting for what is not there: {unknown}")
    while remaining:
        free = [name for name, after in remaining.items() if not after & remaining.keys()]
        if not free:
            raise ValueError(f"waiting for each other: {', '.join(sorted(remaining))}")
        for name in free:
            del remaining[name]


def _begin(run: _Run, entry: _Entry, states: dict[str, ProcessState]) -> None:
    entry.begun = time.monotonic()
    if isinstance(entry.item, Process):
        known = states.get(entry.item.name)
        if known is None or known.state in {"STOPPED", "EXITED", "FATAL"}:
            run.supervisor.start(entry.item.name)


def _advance(run: _Run, entry: _Entry, states: dict[str, ProcessState], pool: ThreadPoolExecutor) -> bool:
    """Look after one item that has begun; tells whether it is ready now.

    Raises:
        UserError: when it has failed for good.
    """
    assert entry.begun is not None  # noqa: S101 - for the type checker: callers look after begun items only
    now = time.monotonic()
    if entry.attempt is not None and entry.attempt.done():
        attempt, entry.attempt = entry.attempt, None
        try:
            attempt.result()
        except NotReadyError as error:
            entry.reason = str(error)
        except UserError as error:
            run.progress.failed(entry.item.name, now - entry.begun)
            raise UserError(f"{entry.item.name}: {error}") from error
        else:
            run.progress.done(_label(entry.item), now - entry.begun)
            return True
    if isinstance(entry.item, Process):
        _check_alive(run, entry, states.get(entry.item.name), now)
    if now - entry.begun > entry.limit:
        raise _failure(run, entry, f"not ready after {entry.limit} s: {entry.reason}")
    if entry.attempt is None:
        entry.attempt = pool.submit(entry.item.probe if isinstance(entry.item, Process) else entry.item.run)
    return False


def _check_alive(run: _Run, entry: _Entry, state: ProcessState | None, now: float) -> None:
    if state is None:
        raise _failure(run, entry, "the supervisor has ended; run the command again")
    if state.state == "FATAL":
        raise _failure(run, entry, f"does not stay up: {state.problem}")
    if state.state != "BACKOFF":
        return
    entry.reason = f"{state.problem}, being restarted"
    entry.failing_since = entry.failing_since or now
    if now - entry.failing_since > _BACKOFF_LIMIT:
        raise _failure(run, entry, f"does not stay up: {state.problem}")


def _failure(run: _Run, entry: _Entry, reason: str) -> UserError:
    name = entry.item.name
    seconds = None if entry.begun is None else time.monotonic() - entry.begun
    run.progress.failed(name, seconds)
    log = run.logs / f"{name}.log"
    tail = "".join(f"\n  {line}" for line in last_lines(log)) if isinstance(entry.item, Process) else ""
    return UserError(f"{name}: {reason}" + (f"\nlast lines of {log}:{tail}" if tail else ""))


def _label(item: Process | Task) -> str:
    return f"{item.name} {item.version}" if isinstance(item, Process) else item.name


def _summary(run: _Run) -> str:
    begun = [entry for entry in run.pending.values() if entry.begun is not None]
    names = ", ".join(entry.item.name for entry in begun)
    reason = f" ({begun[0].reason})" if begun and begun[0].reason else ""
    return f"waiting for {names or 'the next step'}{reason}"


def _stop_all(processes: Sequence[Process], supervisor: Supervisor, progress: Progress) -> None:
    active = {"STARTING", "RUNNING", "BACKOFF"}
    states = supervisor.states()
    for process in processes:
        if process.name in states and states[process.name].state in active:
            supervisor.stop(process.name)
    deadline = time.monotonic() + max((process.stop_limit for process in processes), default=0) + 5
    names = {process.name for process in processes}
    while time.monotonic() < deadline:
        going = [s.name for s in supervisor.states().values() if s.name in names and s.pid is not None]
        if not going:
            return
        progress.waiting(f"waiting for {', '.join(going)} to end")
        time.sleep(_TICK)
