"""Runs the engine, and follows what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from gitops.errors import CommandError
from gitops.pulumi.plan import Plan, read_plan

__all__ = ["Operation", "missing_engine", "preview", "refresh_preview", "run"]

_LOOK_EVERY_S: Final = 0.2
_PATIENCE_S: Final = 20
"""How long an interrupted engine may take to end."""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One look at a stack; none of them changes anything."""

    stack: str
    name: str
    """What people call it; names the files too."""
    arguments: tuple[str, ...]
    """What follows ``pulumi``."""
    directory: Path
    """The checkout."""
    out: Path
    """Where the engine's log and its event log go: ``<name>-<stack>.log`` and ``<name>-<stack>.events.jsonl``."""
    limit_s: float
    """After that many seconds it counts as hung."""


def preview(
    stack: str, directory: Path, out: Path, limit_s: float, *, refresh: bool = False, policies: bool = True
) -> Operation:
    """Compare the program with the recorded state.

    Args:
        stack: the stack's name.
        directory: the checkout.
        out: where the logs go.
        limit_s: seconds.
        refresh: compare with reality instead.
        policies: ask the policies too.
    """
    arguments = ["preview", "--diff"]
    arguments += ["--policy-pack=policies"] if policies else []
    arguments += ["--refresh"] if refresh else []
    return Operation(
        stack=stack, name="preview", arguments=tuple(arguments), directory=directory, out=out, limit_s=limit_s
    )


def refresh_preview(stack: str, directory: Path, out: Path, limit_s: float) -> Operation:
    """Compare the recorded state with reality."""
    arguments = ("refresh", "--preview-only")
    return Operation(stack=stack, name="refresh", arguments=arguments, directory=directory, out=out, limit_s=limit_s)


def missing_engine() -> CommandError:
    """Return what to say when there is no ``pulumi`` command."""
    return CommandError(
        "pulumi is not on PATH", 'Run: eval "$(bighpc testbed env)", or install the Pulumi command line.'
    )


def run(operation: Operation, tell: Callable[[str], None]) -> Plan:
    """Run the engine to its end.

    Args:
        operation: what to run.
        tell: gets a few words on where it is, several times a second.

    Returns:
        The plan, also when the engine failed: then with the reasons.

    Raises:
        CommandError: when there is no ``pulumi`` command.
    """
    log = operation.out / f"{operation.name}-{operation.stack}.log"
    events = _EventLog(operation.out / f"{operation.name}-{operation.stack}.events.jsonl")
    begun = time.monotonic()
    hung = False
    with log.open("w") as output:
        process = _start(operation, events.path, output)
        try:
            while process.poll() is None:
                events.read()
                tell(f"{events.resources} resources")
                if time.monotonic() - begun > operation.limit_s:
                    hung = True
                    _interrupt(process)
                time.sleep(_LOOK_EVERY_S)
        finally:
            if process.poll() is None:
                _interrupt(process)
    seconds = time.monotonic() - begun
    events.read()
    return read_plan(operation.stack, events.events, seconds, _failure(operation, process.returncode, log, hung=hung))


class _EventLog:
    """The engine's event log, read as it grows."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.path = path
        self.events: list[dict[str, Any]] = []
        self.resources = 0
        """Number of resources that the engine has looked at."""
        self._offset = 0

    def read(self) -> None:
        """Take in what was written since; a line in the making waits for the next time."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._offset += len(whole) + len(newline)
        for line in whole.splitlines():
            event = json.loads(line)
            self.events.append(event)
            self.resources += "resourcePreEvent" in event


def _start(operation: Operation, events: Path, output: IO[str]) -> subprocess.Popen[bytes]:
    command = ["pulumi", *operation.arguments, f"--stack={operation.stack}", "--non-interactive", "--color=never"]
    command += [f"--event-log={events.resolve()}", "--suppress-outputs"]
    try:
        return subprocess.Popen(
            command,
            cwd=operation.directory,
            # Without debug commands the engine does not know --event-log.
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "PULUMI_DEBUG_COMMANDS": "true"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise missing_engine() from None


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask the engine to stop, so that it lets go of the stack; end it when it does not."""
    for how in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(_PATIENCE_S)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        return


def _failure(operation: Operation, code: int, log: Path, *, hung: bool) -> str | None:
    if hung:
        return f"the {operation.name} did not end within {operation.limit_s:.0f} s"
    if code == 0:
        return None
    said = "\n".join(log.read_text().splitlines()[-15:])
    return f"pulumi ended with code {code}:\n{said}"
