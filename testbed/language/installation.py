"""Putting the language host where the engine finds it, and only where the official one is missing."""

from __future__ import annotations

import os
from pathlib import Path

from testbed.pulumirpc.launcher import is_launcher, write_launcher

__all__ = ["EXECUTABLE", "install", "official"]

EXECUTABLE = "pulumi-language-python"


def install(bin_directory: Path, python: Path) -> None:
    """Write the language host's executable beside ``pulumi``, unless the official one is on PATH; then take it away.

    Args:
        bin_directory: where ``pulumi`` itself is: the engine warns when its language host is elsewhere.
        python: the interpreter that has this package installed.
    """
    double = bin_directory / EXECUTABLE
    if official(bin_directory) is None:
        write_launcher(double, python, "testbed.language")
    elif double.exists() and is_launcher(double):
        double.unlink()


def official(bin_directory: Path) -> Path | None:
    """The official language host, beside ``pulumi`` or on PATH, if there is one."""
    for directory in [str(bin_directory), *os.get_exec_path()]:
        path = Path(directory) / EXECUTABLE
        if os.access(path, os.X_OK) and not is_launcher(path):
            return path
    return None
