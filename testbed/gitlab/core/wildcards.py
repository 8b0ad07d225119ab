"""GitLab's patterns for names of environments: ``*`` stands for anything, slashes included."""

from __future__ import annotations

import re

__all__ = ["matches"]


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern covers a name."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
