"""Differences between commits, line by line, as the page shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pygit2

from testbed.gitlab.repositories.reading import diff_entities

__all__ = ["FileDiff", "Line", "between", "of_commit"]

LINES_SHOWN = 3000
"""Of one difference over all files; the rest is named and not shown."""

_HUNK = re.compile(r"^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True)
class Line:
    """A line, with its numbers before and after."""

    kind: Literal["hunk", "added", "removed", "same", "note"]
    text: str
    old: int | None = None
    new: int | None = None


@dataclass(frozen=True)
class FileDiff:
    """What changed in one file."""

    path: str
    old_path: str
    what: Literal["added", "deleted", "renamed", "changed"]
    lines: list[Line]
    added: int
    removed: int
    cut: bool
    """Whether there are too many lines to show."""


def of_commit(repository: pygit2.Repository, commit: pygit2.Commit) -> list[FileDiff]:
    """What a commit changed, compared with its first parent."""
    if commit.parents:
        return _files(repository.diff(commit.parents[0], commit))
    return _files(commit.tree.diff_to_tree(swap=True))


def between(repository: pygit2.Repository, base: str, head: str) -> list[FileDiff]:
    """What is different in `head`; nothing when one of the two commits is gone."""
    if base not in repository or head not in repository:
        return []
    return _files(repository.diff(base, head))


def _files(diff: pygit2.Diff) -> list[FileDiff]:
    left, files = LINES_SHOWN, []
    for entity in diff_entities(diff):
        lines = list(_lines(entity["diff"]))
        what: Literal["added", "deleted", "renamed", "changed"] = "changed"
        if entity["new_file"]:
            what = "added"
        elif entity["deleted_file"]:
            what = "deleted"
        elif entity["renamed_file"]:
            what = "renamed"
        files.append(
            FileDiff(
                path=entity["new_path"],
                old_path=entity["old_path"],
                what=what,
                lines=lines if len(lines) <= left else [],
                added=sum(line.kind == "added" for line in lines),
                removed=sum(line.kind == "removed" for line in lines),
                cut=len(lines) > left,
            )
        )
        left -= len(files[-1].lines)
    return files


def _lines(text: str) -> Iterator[Line]:
    old = new = 0
    for line in text.removesuffix("\n").split("\n") if text else ():
        hunk = _HUNK.match(line)
        if hunk:
            old, new = int(hunk[1]), int(hunk[2])
            yield Line("hunk", line)
        elif line.startswith("+"):
            yield Line("added", line[1:], new=new)
            new += 1
        elif line.startswith("-"):
            yield Line("removed", line[1:], old=old)
            old += 1
        elif line.startswith("\\"):
            yield Line("note", line[2:])
        else:
            yield Line("same", line[1:], old, new)
            old, new = old + 1, new + 1
