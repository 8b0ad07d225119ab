"""Putting the provider where the engine finds it, and only where the published one is missing."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
from pathlib import Path

from testbed.pulumirpc.launcher import is_launcher, write_launcher

__all__ = ["EXECUTABLE", "install", "published"]

EXECUTABLE = "pulumi-resource-gitlab"


def install(plugins: Path, python: Path) -> None:
    """Put the double among Pulumi's plugins, unless the published one can be found; then take it away.

    Not on PATH: the engine warns about every provider that it takes from there.

    Args:
        plugins: the ``plugins`` directory in ``PULUMI_HOME``.
        python: the interpreter that has this package installed.
    """
    directory = plugins / f"resource-gitlab-v{importlib.metadata.version('pulumi-gitlab')}"
    double = directory / EXECUTABLE
    if published(directory) is None:
        write_launcher(double, python, "testbed.provider")
    elif double.exists() and is_launcher(double):
        shutil.rmtree(directory)


def published(directory: Path) -> Path | None:
    """The published plugin: on PATH, or in its directory among Pulumi's plugins."""
    on_path = [Path(entry) / EXECUTABLE for entry in os.get_exec_path()]
    for path in [*on_path, directory / EXECUTABLE]:
        if os.access(path, os.X_OK) and not is_launcher(path):
            return path
    return None
