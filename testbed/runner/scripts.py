"""Turns the commands of a job into a shell script."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping

__all__ = ["SHELL", "commands", "exports", "sources"]

SHELL = 'if command -v bash >/dev/null 2>&1; then exec bash "$0"; else exec sh "$0"; fi'
"""Runs the script in ``$0`` with bash, or with sh where bash is not installed."""

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_GREEN, _RESET = "\033[32;1m", "\033[0;m"

_STRICT = "set -e\nif (set -o pipefail) 2>/dev/null; then set -o pipefail; fi\n"


def exports(variables: Mapping[str, str]) -> str:
    """The beginning of a script that sets variables; names that no shell takes are left out."""
    return "".join(
        f"export {name}={shlex.quote(value)}\n" for name, value in variables.items() if _NAME.fullmatch(name)
    )


def commands(lines: Iterable[str]) -> str:
    """A script that shows each command, runs it, and ends with the first that fails."""
    return _STRICT + "".join(f"printf '%s\\n' {shlex.quote(_shown(line))}\n{line}\n" for line in lines)


def _shown(line: str) -> str:
    first, *more = line.strip().split("\n")
    note = " # collapsed multi-line command" if more else ""
    return f"{_GREEN}$ {first}{note}{_RESET}"


def sources(directory: str, *, sha: str, refspecs: Iterable[str], depth: int, submodules: str, checkout: bool) -> str:
    """A script that fetches a job's commit into an empty directory.

    The address of the repository is read from ``CI_REPOSITORY_URL`` and written by the shell itself: it has the job
    token in it, and a program's arguments can be seen by others.
    """
    shallow = f"--depth {depth} " if depth > 0 else ""
    specs = " ".join(map(shlex.quote, refspecs)) or shlex.quote(sha)
    lines = [
        _STRICT,
        f"cd {shlex.quote(directory)}",
        "git init --quiet --initial-branch=none .",
        "printf '[remote \"origin\"]\\n\\turl = %s\\n\\tfetch = +refs/heads/*:refs/remotes/origin/*\\n' "
        '"$CI_REPOSITORY_URL" >> .git/config',
        f"git fetch --quiet --no-recurse-submodules --prune {shallow}origin {specs}",
    ]
    if checkout:
        lines += [
            f"git checkout --quiet --force --detach {shlex.quote(sha)}",
            'echo "Checking out $(git rev-parse --short=8 HEAD) as detached HEAD..."',
        ]
        if submodules in ("normal", "recursive"):
            deep = " --recursive" if submodules == "recursive" else ""
            lines += [f"git submodule --quiet sync{deep}", f"git submodule --quiet update --init{deep}"]
    return "\n".join(lines) + "\n"
