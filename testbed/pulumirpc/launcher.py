"""The tiny executables through which the engine starts a Python module of ours as its plugin."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

__all__ = ["is_launcher", "link", "write_launcher"]

_MARK = "# Written by bighpc: "


def write_launcher(path: Path, python: Path, module: str) -> None:
    """Write an executable that becomes ``python -m module``; replaces an older launcher, never anything else.

    Raises:
        FileExistsError: when something that is not a launcher is there already.
    """
    scratch = _beside(path)
    # -P: a file of the user's program named like a module of the standard library must not break the plugin.
    text = f'#!/bin/sh\n{_MARK}starts {module}\nexec {shlex.quote(str(python))} -P -m {module} "$@"\n'
    scratch.write_text(text)
    scratch.chmod(0o755)
    scratch.replace(path)


def link(path: Path, target: Path) -> None:
    """Let a path lead to a program of somebody else's; replaces a launcher, never anything else.

    Raises:
        FileExistsError: when something that is not a launcher is there already.
    """
    scratch = _beside(path)
    scratch.symlink_to(target)
    scratch.replace(path)


def _beside(path: Path) -> Path:
    """Where to prepare what is going to replace a file in one step."""
    if path.exists() and not is_launcher(path):
        raise FileExistsError(
            f"{path} exists and is not a launcher of the testbed: move it away, or put it first on PATH"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.unlink(missing_ok=True)
    return scratch


def is_launcher(path: Path) -> bool:
    """Whether a file was written by `write_launcher`."""
    with path.open("rb") as file:
        return _MARK.encode() in file.read(256)
