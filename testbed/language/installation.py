"""Putting the language host where the engine finds it, and only where the official one is missing."""

from __future__ import annotations

import os
from pathlib import Path

from testbed.pulumirpc.launcher import is_launcher, link, write_launcher

__all__ = ["EXECUTABLE", "install", "official"]

EXECUTABLE = "pulumi-language-python"


def install(bin_directory: Path, python: Path) -> None:
    """Put a language host beside ``pulumi``: the official one if it is on PATH, else the double.

    Args:
        bin_directory: where ``pulumi`` itself is: the engine warns when its language host is elsewhere.
        python: the interpreter that has this package installed.
    """
    place = bin_directory / EXECUTABLE
    found = official(bin_directory)
    if found is None:
        write_launcher(place, python, "testbed.language")
    elif found != place:
        link(place, found)


def official(bin_directory: Path) -> Path | None:
    """The official language host, beside ``pulumi`` or on PATH, if there is one."""
    for directory in [str(bin_directory), *os.get_exec_path()]:
        path = Path(directory) / EXECUTABLE
        if os.access(path, os.X_OK) and not is_launcher(path):
            return path
    return None
