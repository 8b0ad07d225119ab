"""Why a job ends before its script does."""

from __future__ import annotations

from enum import StrEnum, unique

__all__ = ["JobError", "Reason", "Stop", "StoppedError"]


@unique
class Reason(StrEnum):
    """What stops a job."""

    CANCELED = "canceled"
    """Somebody cancelled it; ``after_script`` still runs."""
    ABORTED = "aborted"
    """GitLab does not take anything of it any more."""
    SHUTDOWN = "shutdown"
    """The runner ends."""
    TIMEOUT = "timeout"
    """It ran into its time limit."""


class StoppedError(Exception):
    """A step was ended early."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class JobError(Exception):
    """A job failed: the sentence for its log, the reason and the code for GitLab."""

    def __init__(self, sentence: str, reason: str = "runner_system_failure", exit_code: int | None = None) -> None:
        super().__init__(sentence)
        self.reason = reason
        self.exit_code = exit_code


class Stop:
    """Asks a running job to end; a stronger reason takes the place of a cancellation."""

    def __init__(self) -> None:
        self.reason: Reason | None = None
        self._forgiven = False

    def ask(self, reason: Reason) -> None:
        """Let the job end."""
        if reason is Reason.CANCELED and (self._forgiven or self.reason is not None):
            return
        if self.reason in (None, Reason.CANCELED):
            self.reason = reason

    def check(self) -> None:
        """Go on, or not.

        Raises:
            StoppedError: when the job shall end.
        """
        if self.reason is not None:
            raise StoppedError(self.reason)

    def forgive(self) -> None:
        """Let the steps that follow a cancelled script run; GitLab goes on saying that it is cancelled."""
        self._forgiven = True
        if self.reason is Reason.CANCELED:
            self.reason = None
