"""Commits made through the API, and commits as the API shows them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

import pygit2
from pydantic import model_validator
from pygit2.enums import FileMode, SortMode

from testbed.gitlab.core.errors import rejected
from testbed.gitlab.core.params import Params

__all__ = ["Action", "build_tree", "commit_entity", "moment"]


class Action(Params):
    """One change to one file."""

    action: Literal["create", "update", "delete", "move", "chmod"]
    file_path: str
    previous_path: str | None = None
    content: str | None = None
    encoding: Literal["text", "base64"] | None = None
    last_commit_id: str | None = None
    execute_filemode: bool | None = None

    @model_validator(mode="after")
    def _no_traversal(self) -> Action:
        for path in (self.file_path, self.previous_path):
            if path and (path.startswith("/") or ".." in path.split("/") or ".git" in path.split("/")):
                raise rejected(400, "Path cannot include directory traversal")
        return self

    @property
    def bytes(self) -> bytes:
        """The new content."""
        content = self.content or ""
        if self.encoding != "base64":
            return content.encode()
        try:
            return base64.b64decode(content, validate=False)
        except binascii.Error:
            raise rejected(400, "Content is not valid base64") from None


def build_tree(repository: pygit2.Repository, base: pygit2.Commit | None, actions: Sequence[Action]) -> pygit2.Oid:
    """Apply actions to the tree of a commit, in order, and write the new tree."""
    index = pygit2.Index()
    if base is not None:
        index.read_tree(base.tree)
    for action in actions:
        _apply(repository, index, action, base)
    return index.write_tree(repository)


def _apply(repository: pygit2.Repository, index: pygit2.Index, action: Action, base: pygit2.Commit | None) -> None:
    path = action.file_path
    match action.action:
        case "create":
            if path in index:
                raise rejected(400, "A file with this name already exists")
            if _is_directory(index, path):
                raise rejected(400, "A directory with this name already exists")
            mode = FileMode.BLOB_EXECUTABLE if action.execute_filemode else FileMode.BLOB
            index.add(pygit2.IndexEntry(path, repository.create_blob(action.bytes), mode))
        case "update":
            entry = _entry(index, path)
            _check_freshness(repository, base, action)
            index.add(pygit2.IndexEntry(path, repository.create_blob(action.bytes), entry.mode))
        case "delete":
            _entry(index, path)
            _check_freshness(repository, base, action)
            index.remove(path)
        case "move":
            _move(repository, index, action)
        case "chmod":
            mode = FileMode.BLOB_EXECUTABLE if action.execute_filemode else FileMode.BLOB
            index.add(pygit2.IndexEntry(path, _entry(index, path).id, mode))


def _move(repository: pygit2.Repository, index: pygit2.Index, action: Action) -> None:
    if not action.previous_path:
        raise rejected(400, "You must provide a previous path")
    entry = _entry(index, action.previous_path)
    if action.file_path in index:
        raise rejected(400, "A file with this name already exists")
    content = entry.id if action.content is None else repository.create_blob(action.bytes)
    index.remove(action.previous_path)
    index.add(pygit2.IndexEntry(action.file_path, content, entry.mode))


def _entry(index: pygit2.Index, path: str) -> pygit2.IndexEntry:
    if path not in index:
        raise rejected(400, "A file with this name doesn't exist")
    return index[path]


def _is_directory(index: pygit2.Index, path: str) -> bool:
    return any(entry.path.startswith(f"{path}/") for entry in index)


def _check_freshness(repository: pygit2.Repository, base: pygit2.Commit | None, action: Action) -> None:
    """Refuse when the file was changed after the commit that the caller knows."""
    if action.last_commit_id is None or base is None:
        return
    latest = last_commit_of(repository, base, action.file_path)
    if latest is not None and str(latest.id) != action.last_commit_id:
        raise rejected(400, f"The file has changed since you started editing it: {action.file_path}")


def last_commit_of(repository: pygit2.Repository, start: pygit2.Commit, path: str) -> pygit2.Commit | None:
    """The newest commit, from `start` back, that changed a path."""
    for commit in repository.walk(start.id, SortMode.TOPOLOGICAL | SortMode.TIME):
        here = _object_at(commit, path)
        if here is not None and all(_object_at(parent, path) != here for parent in commit.parents):
            return commit
    return None


def _object_at(commit: pygit2.Commit, path: str) -> tuple[pygit2.Oid, int] | None:
    if not path:
        return commit.tree.id, int(FileMode.TREE)
    try:
        found = commit.tree[path]
    except KeyError:
        return None
    return found.id, int(found.filemode)


def moment(signature: pygit2.Signature) -> str:
    """A signature's time as commits show it: with its own offset."""
    zone = timezone(timedelta(minutes=signature.offset))
    return datetime.fromtimestamp(signature.time, zone).isoformat(timespec="milliseconds")


def commit_entity(commit: pygit2.Commit, web_url: str) -> dict[str, Any]:
    """A commit as the API shows it; `web_url` is the project's."""
    return {
        "id": str(commit.id),
        "short_id": str(commit.id)[:8],
        "created_at": moment(commit.committer),
        "parent_ids": [str(parent) for parent in commit.parent_ids],
        "title": commit.message.partition("\n")[0],
        "message": commit.message,
        "author_name": commit.author.name,
        "author_email": commit.author.email,
        "authored_date": moment(commit.author),
        "committer_name": commit.committer.name,
        "committer_email": commit.committer.email,
        "committed_date": moment(commit.committer),
        "trailers": {},
        "extended_trailers": {},
        "web_url": f"{web_url}/-/commit/{commit.id}",
    }
