"""Keeps the store from growing: what no set of tools has used for a month goes."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["KEPT_DAYS", "drop_unused", "note_use"]

KEPT_DAYS = 30
"""A set of tools that nobody asked for this long is dropped; other checkouts and branches ask for sets of their own."""

_DAY_S = 24 * 3600


def note_use(root: Path) -> None:
    """Remember that the set of tools in ``root`` is in use."""
    if _unused_days(root) > 1:
        os.utime(root)


def drop_unused(cache: Path) -> None:
    """Remove the sets that nobody used for `KEPT_DAYS`, and the tools as old that no remaining set refers to."""
    for root in (cache / "sets").glob("*"):
        if _unused_days(root) > KEPT_DAYS:
            shutil.rmtree(root, ignore_errors=True)
    wanted = set(_referred_to(cache))
    for directory in (cache / "tools").glob("*"):
        # A recent one may belong to a build that was interrupted and will go on.
        if directory not in wanted and _unused_days(directory) > KEPT_DAYS:
            shutil.rmtree(directory, ignore_errors=True)


def _unused_days(directory: Path) -> float:
    return (time.time() - directory.stat().st_mtime) / _DAY_S


def _referred_to(cache: Path) -> Iterator[Path]:
    for place in ("bin", "plugins"):
        for link in (cache / "sets").glob(f"*/{place}/*"):
            yield link.resolve().parent
