"""Runs short commands and turns their failures into explanations."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from testbed.errors import UserError
from testbed.host.packages import find_command

__all__ = ["run", "succeeds"]


def run(
    *command: str | Path,
    environment: Mapping[str, str] | None = None,
    directory: Path | None = None,
    given: str | None = None,
    limit_s: float = 60,
) -> str:
    """Run a command and return what it printed.

    Args:
        command: the program and its arguments; the program is looked up on the PATH of `environment`.
        environment: the command's variables; this process's own when left out.
        directory: where it runs.
        given: what it reads from its standard input; nothing when left out.
        limit_s: seconds until it counts as hung.

    Raises:
        UserError: with the command and what it said when it fails or takes longer than the limit.
    """
    words = [str(word) for word in command]
    words[0] = find_command(words[0], environment) or words[0]
    try:
        done = subprocess.run(
            words,
            capture_output=True,
            text=True,
            check=False,
            timeout=limit_s,
            input=given or "",
            cwd=directory,
            env=environment and dict(environment),
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"`{shlex.join(words)}` did not end within {limit_s:.0f} s") from None
    except OSError as error:
        raise UserError(f"`{shlex.join(words)}` cannot be run: {error.strerror}") from None
    if done.returncode != 0:
        raise UserError(f"`{shlex.join(words)}` failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def succeeds(*command: str | Path) -> bool:
    """Whether a command ends with success."""
    try:
        run(*command)
    except UserError:
        return False
    return True
