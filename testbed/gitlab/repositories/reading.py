"""Finding things in repositories."""

from __future__ import annotations

from typing import Any

import pygit2
from pygit2.enums import DeltaStatus, FileMode

from testbed.gitlab.core.access import reads_code
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden
from testbed.gitlab.repositories.rules import BRANCHES, TAGS
from testbed.gitlab.store import Project

__all__ = ["blob_at", "code_of", "diff_entities", "resolve", "tree_at"]


def code_of(call: Call) -> tuple[Project, pygit2.Repository]:
    """The project in the path with its repository, for an actor who may read code."""
    project = call.project()
    if not reads_code(call.session, call.actor, project):
        raise forbidden()
    return project, call.forge.storage.open(project.id)


def resolve(repository: pygit2.Repository, ref: str) -> pygit2.Commit | None:
    """The commit that a branch, a tag, HEAD or a (shortened) object name stands for."""
    for name in (BRANCHES + ref, TAGS + ref, ref):
        try:
            return repository.revparse_single(name).peel(pygit2.Commit)
        except (KeyError, ValueError, pygit2.GitError):
            continue
    return None


def blob_at(commit: pygit2.Commit, path: str) -> tuple[pygit2.Blob, FileMode] | None:
    """A file's content and mode."""
    try:
        found = commit.tree[path]
    except KeyError:
        return None
    return (found, found.filemode) if isinstance(found, pygit2.Blob) else None


def tree_at(commit: pygit2.Commit, path: str) -> pygit2.Tree | None:
    """A directory; the root for an empty path."""
    if not path.strip("/"):
        return commit.tree
    try:
        found = commit.tree[path.strip("/")]
    except KeyError:
        return None
    return found if isinstance(found, pygit2.Tree) else None


def diff_entities(diff: pygit2.Diff) -> list[dict[str, Any]]:
    """A difference, one entry per file."""
    diff.find_similar()
    return [_diff_entity(patch) for patch in diff if patch is not None]


def _diff_entity(patch: pygit2.Patch) -> dict[str, Any]:
    delta = patch.delta
    text = patch.text or ""
    _, mark, body = text.partition("\n@@ ")
    return {
        "diff": f"@@ {body}" if mark else "",
        "collapsed": False,
        "too_large": False,
        "new_path": delta.new_file.path,
        "old_path": delta.old_file.path,
        "a_mode": f"{int(delta.old_file.mode):o}",
        "b_mode": f"{int(delta.new_file.mode):o}",
        "new_file": delta.status == DeltaStatus.ADDED,
        "renamed_file": delta.status == DeltaStatus.RENAMED,
        "deleted_file": delta.status == DeltaStatus.DELETED,
        "generated_file": False,
    }
