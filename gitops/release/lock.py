"""The lock of a stack that an update left behind when it was killed: nobody is at work, and nobody gets in.

The operator does not look whether whoever holds the lock still lives. An engine that finds a stack locked says by whom,
on which machine, and since when; that is all there is to know where the state is in files, a bucket or a database.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.console import Console

__all__ = ["Lock", "break_stale_lock", "locks"]

_LIMIT_S: Final = 60
_HELD: Final = re.compile(r"created by (?P<user>\S+)@(?P<host>\S+) \(pid (?P<pid>\d+)\) at (?P<since>\S+)")
# Takes the lock, and ends at once when it gets it: there is no such resource to refresh.
_NOTHING: Final = "urn:pulumi:none::none::none:none:None::none"
_ASK: Final = ("refresh", "--yes", "--skip-preview", "--non-interactive", "--target", _NOTHING)


@dataclass(frozen=True, kw_only=True)
class Lock:
    """Who holds a stack."""

    user: str
    host: str
    pid: int
    since: datetime

    def is_stale(self, limit_s: float | None) -> bool:
        """Whether its holder is certainly gone.

        Args:
            limit_s: seconds after which every update counts as dead; None: never.
        """
        old = limit_s is not None and (datetime.now(UTC) - self.since).total_seconds() > limit_s
        return old or (self.host == socket.gethostname() and not _runs(self.pid))

    def __str__(self) -> str:
        return f"{self.user}@{self.host} (process {self.pid}) since {self.since:%Y-%m-%d %H:%M:%S} UTC"


def locks(said: str) -> Iterator[Lock]:
    """The locks that an engine names when it finds a stack locked."""
    for found in _HELD.finditer(said):
        since = datetime.fromisoformat(found["since"].rstrip(".,;"))
        yield Lock(user=found["user"], host=found["host"], pid=int(found["pid"]), since=since)


def break_stale_lock(stack: str, directory: Path, console: Console, limit_s: float | None = None) -> bool:
    """Remove the stack's lock when everybody who holds it is gone, as ``pulumi cancel`` does.

    Args:
        stack: its name.
        directory: a checkout of the program.
        console: where that is said.
        limit_s: seconds after which every update counts as dead; None: never.

    Returns:
        Whether it was removed.
    """
    held = list(locks(_engine(stack, directory, *_ASK)))
    if not held or not all(each.is_stale(limit_s) for each in held):
        return False
    console.print(
        f"{stack} is locked by {', '.join(map(str, held))}, who is gone: removing the lock",
        markup=False,
        soft_wrap=True,
    )
    _engine(stack, directory, "cancel", "--yes")
    return True


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _engine(stack: str, directory: Path, *arguments: str) -> str:
    """Return what the engine says; nothing where there is none."""
    try:
        done = subprocess.run(
            ("pulumi", *arguments, "--stack", stack, "--color", "never"),
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr
