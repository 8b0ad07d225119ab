"""How a release ends."""

from __future__ import annotations

from enum import IntEnum, unique

__all__ = ["Outcome"]


@unique
class Outcome(IntEnum):
    """The exit code of the command; 1 is what every command ends with that refuses or cannot."""

    RELEASED = 0
    """The commit runs."""
    OUTDATED = 3
    """The environment has, or was told to run, a newer commit."""
    FAILED = 4
    """The operator ran the commit, and that failed."""
    TIMED_OUT = 5
    """The operator has not ended in time."""
