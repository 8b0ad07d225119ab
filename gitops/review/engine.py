"""Runs ``pulumi preview`` and follows what the engine says."""

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
from gitops.review.plan import Plan, read_plan

__all__ = ["Preview", "run"]

_LOOK_EVERY_S: Final = 0.2
_PATIENCE_S: Final = 20
"""How long an interrupted engine may take to end."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One preview to run."""

    stack: str
    directory: Path
    """The checkout."""
    out: Path
    """Where the engine's log and its event log go: ``preview-<stack>.log`` and ``preview-<stack>.events.jsonl``."""
    refresh: bool
    """Compare with reality instead of with the recorded state."""
    limit_s: float
    """After that many seconds it counts as hung."""


def run(preview: Preview, tell: Callable[[str], None]) -> Plan:
    """Preview a stack with the policies.

    Args:
        preview: what to run.
        tell: gets a few words on where it is, several times a second.

    Returns:
        The plan, also when the preview failed: then with the reasons.

    Raises:
        CommandError: when there is no ``pulumi`` command.
    """
    log = preview.out / f"preview-{preview.stack}.log"
    events = _EventLog(preview.out / f"preview-{preview.stack}.events.jsonl")
    begun = time.monotonic()
    hung = False
    with log.open("w") as output:
        process = _start(preview, events.path, output)
        try:
            while process.poll() is None:
                events.read()
                tell(f"{events.resources} resources")
                if time.monotonic() - begun > preview.limit_s:
                    hung = True
                    _interrupt(process)
                time.sleep(_LOOK_EVERY_S)
        finally:
            if process.poll() is None:
                _interrupt(process)
    seconds = time.monotonic() - begun
    events.read()
    return read_plan(preview.stack, events.events, seconds, _failure(preview, process.returncode, log, hung=hung))


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


def _start(preview: Preview, events: Path, output: IO[str]) -> subprocess.Popen[bytes]:
    command = ["pulumi", "preview", f"--stack={preview.stack}", "--non-interactive", "--color=never"]
    command += ["--policy-pack=policies", f"--event-log={events.resolve()}", "--suppress-outputs", "--diff"]
    command += ["--refresh"] if preview.refresh else []
    try:
        return subprocess.Popen(
            command,
            cwd=preview.directory,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError:
        raise CommandError(
            "pulumi is not on PATH", 'Run: eval "$(bighpc testbed env)", or install the Pulumi command line.'
        ) from None


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ask the engine to stop, so that it lets go of the stack; end it when it does not."""
    for how in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(_PATIENCE_S)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        return


def _failure(preview: Preview, code: int, log: Path, *, hung: bool) -> str | None:
    if hung:
        return f"the preview did not end within {preview.limit_s:.0f} s"
    if code == 0:
        return None
    said = "\n".join(log.read_text().splitlines()[-15:])
    return f"pulumi ended with code {code}:\n{said}"
