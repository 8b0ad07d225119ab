"""Putting the provider where the engine finds it, and only where the published one is missing."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

from testbed.pulumirpc.launcher import is_launcher, link, write_launcher

__all__ = ["EXECUTABLE", "install", "published"]

EXECUTABLE = "pulumi-resource-gitlab"


def install(plugins: Path, python: Path) -> None:
    """Put a provider among a testbed's plugins: the published one if the user has it, else the double.

    Not on PATH: the engine warns about every provider that it takes from there.

    Args:
        plugins: the ``plugins`` directory in the testbed's ``PULUMI_HOME``.
        python: the interpreter that has this package installed.
    """
    place = plugins / f"resource-gitlab-v{importlib.metadata.version('pulumi-gitlab')}" / EXECUTABLE
    found = published(place)
    if found is None:
        write_launcher(place, python, "testbed.provider")
    elif found != place:
        link(place, found)


def published(place: Path) -> Path | None:
    """The published plugin: in its place, on PATH, or among the user's own plugins."""
    own = Path.home() / ".pulumi" / "plugins" / place.parent.name / EXECUTABLE
    on_path = [Path(directory) / EXECUTABLE for directory in os.get_exec_path()]
    for path in [place, *on_path, own]:
        if os.access(path, os.X_OK) and not is_launcher(path):
            return path
    return None
