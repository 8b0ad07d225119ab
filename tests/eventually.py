"""Waiting for what the cluster does in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["eventually"]

T = TypeVar("T")


def eventually(seen: Callable[[], T | None], what: str, limit_s: float = 180) -> T:
    """Wait until something is there, and return it.

    Args:
        seen: looks; anything false is not there yet.
        what: the same in words.
        limit_s: seconds until the wait has failed.
    """
    deadline = time.monotonic() + limit_s
    while not (found := seen()):
        assert time.monotonic() < deadline, f"after {limit_s:.0f} s still not: {what}"
        time.sleep(1)
    return found
