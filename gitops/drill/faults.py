"""Faults are made by a command of whoever runs the platform: ``<command> <fault> begin|end <environment>``."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from gitops.errors import CommandError

__all__ = ["VARIABLE", "check_command", "during"]

VARIABLE: Final = "BIGHPC_FAULT_COMMAND"

_LIMIT_S: Final = 180


def check_command(command: str | None, fault: str) -> str:
    """Return the command that makes faults.

    Raises:
        CommandError: when there is none.
    """
    if not command:
        raise CommandError(
            f"this drill needs the fault {fault}, and there is no command that makes it",
            f"Set {VARIABLE} (--fault-command) to one that takes: {fault} begin|end <environment>. On the testbed: "
            'eval "$(bighpc testbed env)".',
        )
    return command


@contextmanager
def during(command: str, fault: str, environment: str) -> Iterator[str]:
    """Have a fault for a while; it is ended whatever happens. What the command said is given.

    Raises:
        CommandError: when the command fails.
    """
    try:
        said = _run(command, fault, "begin", environment)
    except CommandError:
        # It may have got half-way.
        with suppress(CommandError):
            _run(command, fault, "end", environment)
        raise
    try:
        yield said
    finally:
        _run(command, fault, "end", environment)


def _run(command: str, *arguments: str) -> str:
    try:
        done = subprocess.run(
            [*shlex.split(command), *arguments],
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"the fault {' '.join(arguments)} cannot be made: {error}", f"Look at {VARIABLE}.") from None
    said = " ".join((done.stdout + done.stderr).split())
    if done.returncode:
        raise CommandError(f"the fault {' '.join(arguments)} cannot be made: {said}", f"Look at {VARIABLE}.")
    return said
