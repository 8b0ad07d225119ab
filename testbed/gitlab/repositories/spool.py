"""Receipts of pushes: what happened in a repository and may not be in the database yet.

Git's post-receive hook writes one for every push, `write` one for every change through the API. `left` gives back those
that are left, also after the server was killed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testbed.gitlab.repositories.rules import Change

__all__ = ["Receipt", "left", "new_path", "write"]


@dataclass(frozen=True)
class Receipt:
    """Who changed which refs of which project."""

    file: Path
    project_id: int
    user_id: int
    changes: tuple[Change, ...]
    options: tuple[str, ...] = ()
    """What ``git push --push-option`` gave."""


def new_path(directory: Path) -> Path:
    """Where a new receipt goes."""
    return directory / f"{uuid.uuid4()}.json"


def write(directory: Path, project_id: int, user_id: int, changes: Sequence[Change]) -> Path:
    """Write a receipt, whole or not at all."""
    file = new_path(directory)
    listed = [[change.old, change.new, change.ref] for change in changes]
    unfinished = file.with_suffix(".part")
    unfinished.write_text(json.dumps({"project_id": project_id, "user_id": user_id, "changes": listed}))
    unfinished.rename(file)
    return file


def left(directory: Path) -> Iterator[Receipt]:
    """The receipts that are there, oldest first."""
    for file in sorted(directory.glob("*.json"), key=lambda each: each.stat().st_mtime_ns):
        content = json.loads(file.read_text())
        changes = tuple(Change(*change) for change in content["changes"])
        options = tuple(content.get("options", ()))
        yield Receipt(file, content["project_id"], content["user_id"], changes, options)
