"""Plain git in a clone, as a person of a team uses it."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["git"]

_PERSON = ("-c", "user.name=Dev", "-c", "user.email=dev@example.com")
_LIMIT = 120  # seconds


def git(directory: Path, *arguments: str) -> str:
    """Run git; returns what it printed, or fails with what it complained about."""
    done = subprocess.run(
        ("git", *_PERSON, *arguments), cwd=directory, capture_output=True, text=True, timeout=_LIMIT, check=False
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()
