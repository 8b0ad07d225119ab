"""``bighpc drill``: break, restore by revert, and measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from threading import Thread
from typing import Any

from rich.console import Console

from gitops.drill import faults
from gitops.drill.catalog import Drill, Fault, Kind, Moment
from gitops.drill.ground import Ground
from gitops.errors import CommandError

__all__ = ["Report", "run", "steps_of"]


@dataclass(kw_only=True)
class Report:
    """What a drill showed."""

    drill: str
    restored: bool = False
    """Whether the environment is what it was before: nothing differs from the branch, and nobody did anything."""
    time_to_detect_s: float | None = None
    """From the push (or the attempt) until it was told that something is wrong, or what the environment runs now."""
    time_to_restore_s: float | None = None
    """From the push of the revert until the environment runs it."""
    steps: list[dict[str, Any]] = field(default_factory=list)
    """In order: ``name``, ``seconds``, ``said``."""

    def sentence(self, environment: str) -> str:
        """For people."""
        verdict = "restored" if self.restored else "NOT restored"
        detected, restored = self.time_to_detect_s, self.time_to_restore_s
        return f"{self.drill} in {environment}: {verdict}; time to detect {detected} s, time to restore {restored} s"

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "drill": self.drill,
            "restored": self.restored,
            "time_to_detect_s": self.time_to_detect_s,
            "time_to_restore_s": self.time_to_restore_s,
            "steps": self.steps,
        }


def steps_of(drill: Drill, environment: str) -> Iterator[str]:
    """What a drill will do, for people who want to know before."""
    yield f"see that nothing in {environment} differs from its branch"
    fault = drill.fault
    if fault is not None and fault.moment is Moment.BEFORE:
        yield f"begin the fault {fault.name}"
    if drill.kind is Kind.FORCE_PUSH:
        yield f"try to push {environment} back by force; GitLab must refuse it"
    else:
        yield f"push a commit to {environment}: {drill.about}"
        both = drill.kind is Kind.TWO_PUSHES
        yield "push its revert at once, and release both" if both else "release it"
        if fault is not None and fault.moment is Moment.DURING:
            yield f"meanwhile the fault {fault.name}" + (f", for {fault.lasts_s:.0f} s" if fault.lasts_s else "")
        if fault is not None and fault.moment is Moment.BEFORE:
            yield f"end the fault {fault.name}"
        if not both:
            yield "push its revert, and release that"
    yield f"see that nothing in {environment} differs from its branch"


def run(drill: Drill, ground: Ground, fault_command: str | None, console: Console) -> Report:
    """Run a drill.

    Args:
        drill: which.
        ground: where.
        fault_command: what makes faults, where the drill needs one.
        console: where progress goes.

    Raises:
        CommandError: when the environment is not as its branch says before, or the drill cannot be done.
    """
    command = faults.check_command(fault_command, drill.fault.name) if drill.fault else ""
    course = _Course(drill=drill, ground=ground, command=command, console=console, report=Report(drill=drill.name))
    course.run()
    return course.report


@dataclass(kw_only=True)
class _Course:
    """One run of a drill."""

    drill: Drill
    ground: Ground
    command: str
    console: Console
    report: Report
    _pushed: str | None = None
    """The drill's commit while it is not reverted."""

    def run(self) -> None:
        differences = self._look("before")
        if differences:
            raise CommandError(
                f"{self.ground.place.environment} is not as its branch says: {'; '.join(differences)}",
                "Release the branch's head, or mend what drifted; a drill begins where everything is well.",
            )
        try:
            restored = {
                Kind.RELEASE: self._release,
                Kind.TWO_PUSHES: self._two_pushes,
                Kind.FORCE_PUSH: self._force_push,
            }[self.drill.kind]()
        except BaseException:
            self._take_back()
            raise
        differences = self._look("after")
        self.report.restored = restored and not differences

    def _look(self, name: str) -> list[str]:
        with self._step(name) as step:
            differences = self.ground.differences()
            step["said"] = "; ".join(differences) or "nothing differs"
            return differences

    def _release(self) -> bool:
        fault = self.drill.fault
        with self._fault(fault) if fault and fault.moment is Moment.BEFORE else nullcontext():
            begun = time.monotonic()
            commit = self._push()
            released = _beside(partial(self._released, "release", commit))
            if fault is not None and fault.moment is Moment.DURING:
                with self._fault(fault):
                    time.sleep(fault.lasts_s)
            released.result()
            self.report.time_to_detect_s = _since(begun)
        begun = time.monotonic()
        with self._step("revert") as step:
            revert = self.ground.revert(commit)
            self._pushed = None
            step["said"] = f"pushed {revert[:8]}"
        ended = self._released("release of the revert", revert)
        self.report.time_to_restore_s = _since(begun)
        return ended == "released"

    def _two_pushes(self) -> bool:
        begun = time.monotonic()
        commit = self._push()
        with self._step("revert") as step:
            revert = self.ground.revert(commit)
            self._pushed = None
            step["said"] = f"pushed {revert[:8]}, {_since(begun)} s after the first push began"
        restoring = time.monotonic()
        older = _beside(partial(self._released, "release", commit))
        ended = self._released("release of the revert", revert)
        self.report.time_to_restore_s = _since(restoring)
        older.result()
        self.report.time_to_detect_s = _since(begun)
        return ended == "released"

    def _force_push(self) -> bool:
        head, begun = self.ground.head, time.monotonic()
        with self._step("push by force") as step:
            refusal = self.ground.push_back()
            step["said"] = refusal or "GitLab took it; the branch was pushed to where it was"
        self.report.time_to_detect_s = _since(begun)
        # Nothing has to be restored where it was refused.
        self.report.time_to_restore_s = 0.0 if refusal else _since(begun)
        return refusal is not None and self.ground.head == head

    def _push(self) -> str:
        with self._step("push") as step:
            self._pushed = self.ground.push(self.drill.change, self.drill.about)
            step["said"] = f"pushed {self._pushed[:8]}: {self.drill.about}"
            return self._pushed

    def _released(self, name: str, commit: str) -> str:
        with self._step(name) as step:
            step["said"] = self.ground.release(commit)
            return str(step["said"])

    @contextmanager
    def _fault(self, fault: Fault) -> Iterator[None]:
        begun = time.monotonic()
        with faults.during(self.command, fault.name, self.ground.place.environment) as said:
            self._note(f"fault {fault.name} begins", begun, said)
            yield
        self._note(f"fault {fault.name} has ended", begun, "")

    def _take_back(self) -> None:
        """Leave no wrong commit at the head of the branch when the drill itself is stopped."""
        if self._pushed is None:
            return
        environment = self.ground.place.environment
        try:
            revert = self.ground.revert(self._pushed)
        except CommandError as error:
            done = f"revert {self._pushed[:8]} on {environment} by hand ({error.reason})"
        else:
            done = f"{self._pushed[:8]} is reverted by {revert[:8]}, which is not released yet"
        self.console.print(
            f"the drill was stopped: {done}; then: bighpc release {environment}", markup=False, soft_wrap=True
        )

    @contextmanager
    def _step(self, name: str) -> Iterator[dict[str, Any]]:
        self.console.print(f"drill: {name} …", markup=False)
        begun, step = time.monotonic(), {"said": ""}
        yield step
        self._note(name, begun, str(step["said"]))

    def _note(self, name: str, begun: float, said: str) -> None:
        self.report.steps.append({"name": name, "seconds": _since(begun), "said": said})
        self.console.print(f"drill: {name}: {said or 'done'} ({_since(begun)} s)", markup=False, soft_wrap=True)


def _beside(do: Callable[[], str]) -> Future[str]:
    """Do something in a thread that holds nobody up who stops the drill."""
    result: Future[str] = Future()

    def run_it() -> None:
        try:
            result.set_result(do())
        except BaseException as error:  # whoever asks for the result gets it
            result.set_exception(error)

    Thread(target=run_it, daemon=True).start()
    return result


def _since(begun: float) -> float:
    """Seconds."""
    return round(time.monotonic() - begun, 1)
