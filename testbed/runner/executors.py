"""Where the scripts of a job run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from testbed.runner.processes import confined, run
from testbed.runner.scripts import SHELL
from testbed.runner.stop import Stop
from testbed.runner.workspace import Workspace

__all__ = ["Executor", "Shell", "Wish"]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One script to run."""

    script: Path
    variables: Mapping[str, str]
    """Beside those that the script sets itself."""
    output: Callable[[bytes], None]
    seconds: float
    stop: Stop


class Executor(Protocol):
    """Runs scripts one after another in the same place."""

    @property
    def title(self) -> str:
        """What the log says about it."""

    def prepare(self, stop: Stop) -> None:
        """Get ready.

        Raises:
            JobError: when that cannot be.
        """

    def run(self, wish: Wish) -> int:
        """Run a script; returns its exit code.

        Raises:
            StoppedError: when it was ended early.
        """


@dataclass(frozen=True)
class Shell:
    """The machine itself, as a user that owns nothing but the job's directory."""

    workspace: Workspace
    environment: Mapping[str, str]
    title: str = 'Preparing the "shell" executor'

    def prepare(self, stop: Stop) -> None:
        """Nothing to get ready."""

    def run(self, wish: Wish) -> int:
        """Run a script with bash."""
        place = self.workspace
        environment = {
            **self.environment,
            "HOME": str(place.home),
            "TMPDIR": str(place.temporary),
            "LANG": "C.UTF-8",
            "USER": "job",
            "LOGNAME": "job",
            **wish.variables,
        }
        return run(
            [*confined(place.user), "sh", "-c", SHELL, str(wish.script)],
            environment=environment,
            directory=place.root,
            output=wish.output,
            seconds=wish.seconds,
            stop=wish.stop,
        )
