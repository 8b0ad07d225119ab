"""Follows the operator until the commit runs, or does not."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Final

import httpx2
from lightkube.core.exceptions import ApiError
from rich.console import Console

from gitops.cluster import reason
from gitops.errors import CommandError
from gitops.release.outcome import Outcome
from gitops.release.stack_object import StackObject, StackState

__all__ = ["Follower", "look"]

_LOOK_EVERY_S: Final = 0.5
_AGAIN_AFTER_S: Final = 5
"""How long somebody else's update is left alone before the operator is asked again."""
_REFUSED: Final = (401, 403)
_CHANGED: Final = 409


@dataclass(kw_only=True)
class Follower:
    """One release, from the moment that its commit may run."""

    stack: StackObject
    commit: str
    may_replace: Callable[[str | None], bool]
    """Whether the commit may take the place of the one that the environment was told to run."""
    console: Console
    limit_s: float
    """Seconds until the operator has to have ended."""
    when_locked: Callable[[], object] = field(default=lambda: None)
    """What is done when somebody else's update holds the stack, before the operator is asked again."""
    _begun: float = field(default_factory=time.monotonic)
    _request: str = ""
    _version: str = ""
    _asked: float = 0
    _said: str = ""

    def run(self) -> Outcome:
        """Tell the operator the commit, and wait for the outcome.

        Raises:
            CommandError: when the cluster refuses, or the commit must not be released.
        """
        outcome = self._repeat(lambda: self._ask(self.stack.read()), until=lambda: bool(self._request))
        if outcome is None and self._request:
            with self.stack.watched(since=self._version) as changes:
                outcome = self._repeat(lambda: self._step(changes), until=lambda: False)
        if outcome is not None:
            return outcome
        self.console.print(f"not ended after {self.limit_s:.0f} s; last: {self._said}", markup=False, soft_wrap=True)
        return Outcome.TIMED_OUT

    def _repeat(self, step: Callable[[], Outcome | None], until: Callable[[], bool]) -> Outcome | None:
        """Do a step until it has an outcome or is done, or the time is up."""
        outcome = None
        while outcome is None and not until() and time.monotonic() - self._begun < self.limit_s:
            try:
                outcome = step()
            except (ApiError, httpx2.HTTPError) as error:
                self._endure(error)
                time.sleep(_LOOK_EVERY_S)
        return outcome

    def _step(self, changes: Queue[StackState]) -> Outcome | None:
        try:
            state = changes.get(timeout=_LOOK_EVERY_S)
        except Empty:
            state = self.stack.read()
        if not self._must_ask_again(state):
            return self._judge(state)
        self.when_locked()
        return self._ask(state)

    def _ask(self, state: StackState) -> Outcome | None:
        """Set the commit; of several pipelines the one with the newest commit gets its way."""
        if state.commit == self.commit and state.runs(self.commit):
            return Outcome.RELEASED
        if not self.may_replace(state.commit):
            self._tell_outdated(state)
            return Outcome.OUTDATED
        request = uuid.uuid4().hex
        self._version = self.stack.set_commit(self.commit, request, state.version)
        self._request, self._asked = request, time.monotonic()
        self._say(f"told {self.stack.name} to run {self.commit[:8]}")
        return None

    def _must_ask_again(self, state: StackState) -> bool:
        waited = time.monotonic() - self._asked > _AGAIN_AFTER_S
        return state.commit == self.commit and state.seen == self._request and state.conflicts and waited

    def _judge(self, state: StackState) -> Outcome | None:
        first, _, _ = state.message.strip().partition("\n")
        self._say(f"{state.reason}: {first}" if state.reason else "waiting for the operator")
        if state.commit != self.commit:
            if state.succeeded == self.commit:
                return Outcome.RELEASED
            self._tell_outdated(state)
            return Outcome.OUTDATED
        if state.seen != self._request:
            return None
        if state.runs(self.commit):
            self._say(f"{self.commit[:8]} runs")
            return Outcome.RELEASED
        if not state.failed(self.commit):
            return None
        self.console.print(f"the operator says:\n{state.message.strip()}", markup=False, soft_wrap=True)
        return Outcome.FAILED

    def _endure(self, error: ApiError | httpx2.HTTPError) -> None:
        """Go on when the cluster does not answer for a while, or the object was changed at the same time."""
        if isinstance(error, ApiError):
            if error.status.code in _REFUSED:
                raise _refused(error) from None
            if error.status.code == _CHANGED:
                return
        self._say(f"the cluster does not answer: {reason(error)}")

    def _tell_outdated(self, state: StackState) -> None:
        self._say(f"{self.commit[:8]} is outdated: the environment was told to run {str(state.commit)[:8]}")

    def _say(self, words: str) -> None:
        if words != self._said:
            self._said = words
            elapsed = time.monotonic() - self._begun
            self.console.print(f"{elapsed:6.1f} s  {words}", markup=False, soft_wrap=True)


def look(stack: StackObject) -> StackState:
    """Return what the object says before anything is done.

    Raises:
        CommandError: when the cluster does not let it be seen, or does not answer.
    """
    try:
        return stack.read()
    except ApiError as error:
        raise _refused(error) from None
    except httpx2.HTTPError as error:
        raise CommandError(
            f"the cluster does not answer: {reason(error)}", "Look whether KUBECONFIG and --context are right."
        ) from None


def _refused(error: ApiError) -> CommandError:
    return CommandError(
        f"the cluster refuses: {error.status.message}",
        "Use the context of the environment's agent (--context), whose account may set the commit.",
    )
