"""Tools that are npm packages: installed once, exactly as the lock file says, without running their scripts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from testbed.toolchain.build import BuildError, run_logged
from testbed.toolchain.catalog import MODULES, Package

__all__ = ["install"]

_FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--omit=dev")

_LAUNCHER = """#!/bin/sh
exec node "$(dirname "$(readlink -f "$0")")/{program}" "$@"
"""


def install(package: Package, target: Path, work: Path, tick: Callable[[], None]) -> None:
    """Install ``package``, so that the file ``target`` starts it.

    Args:
        package: what to install.
        target: a launcher; it appears with everything it needs beside it, or not at all.
        work: directory for npm's cache; survives an interruption, so that a later run goes on from there.
        tick: called about four times a second while npm runs.

    Raises:
        BuildError: when Node.js is missing, or npm fails.
    """
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise BuildError(
                f"{program}: not found on PATH, and {package.name} needs it. Install Node.js 18 or newer with npm "
                "(Debian: nodejs and npm)"
            )
    directory = target.parent
    partial = directory.with_name(f".{directory.name}.{os.getpid()}.partial")
    log = work / f"{package.name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copytree(MODULES / package.module, partial)
        command = ["npm", "ci", *_FLAGS, "--cache", str(work / "npm")]
        code = run_logged(command, partial, log, dict(os.environ), tick)
        if code != 0:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise BuildError(
                f"{package.name} {package.version}: npm ended with code {code}:\n{tail}\n"
                "Is npm's registry reachable? Run the same command again to go on from here"
            )
        launcher = partial / target.name
        launcher.write_text(_LAUNCHER.format(program=package.program))
        launcher.chmod(0o755)
        shutil.rmtree(directory, ignore_errors=True)
        partial.replace(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
