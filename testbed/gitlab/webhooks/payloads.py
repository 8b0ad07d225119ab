"""The bodies of web hooks, in GitLab's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pygit2
from pygit2.enums import DeltaStatus, SortMode

from testbed.gitlab.core.levels import Visibility
from testbed.gitlab.repositories.commits import moment
from testbed.gitlab.repositories.rules import TAGS, ZERO, Change
from testbed.gitlab.store import Project, User

__all__ = ["commit_payload", "project_payload", "push_payload"]

MOST_COMMITS = 20
"""As many commits are spelled out in a push payload; `total_commits_count` tells the rest."""

_REPOSITORY_FIELDS = (
    "name",
    "url",
    "description",
    "homepage",
    "git_http_url",
    "git_ssh_url",
    "visibility_level",
)

_VISIBILITY_LEVEL = {Visibility.PRIVATE: 0, Visibility.INTERNAL: 10, Visibility.PUBLIC: 20}


def project_payload(project: Project, external_url: str) -> dict[str, Any]:
    """The ``project`` member of every payload."""
    web_url = f"{external_url}/{project.full_path}"
    host = external_url.split("://", 1)[-1].partition(":")[0]
    ssh_url = f"git@{host}:{project.full_path}.git"
    return {
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "web_url": web_url,
        "avatar_url": None,
        "git_ssh_url": ssh_url,
        "git_http_url": f"{web_url}.git",
        "namespace": project.namespace.name,
        "visibility_level": _VISIBILITY_LEVEL[project.visibility],
        "path_with_namespace": project.full_path,
        "default_branch": project.default_branch,
        "ci_config_path": project.attributes.get("ci_config_path"),
        "homepage": web_url,
        "url": ssh_url,
        "ssh_url": ssh_url,
        "http_url": f"{web_url}.git",
    }


def commit_payload(commit: pygit2.Commit, web_url: str) -> dict[str, Any]:
    """A commit; `web_url` is its project's."""
    return {
        "id": str(commit.id),
        "message": commit.message,
        "title": commit.message.partition("\n")[0],
        "timestamp": moment(commit.author),
        "url": f"{web_url}/-/commit/{commit.id}",
        "author": {"name": commit.author.name, "email": commit.author.email},
    }


def push_payload(
    project: Project,
    user: User,
    change: Change,
    repository: pygit2.Repository,
    external_url: str,
    *,
    protected: bool,
) -> dict[str, Any]:
    """The payload of a push to a branch or a tag."""
    about = project_payload(project, external_url)
    commits = _commits(repository, change)
    tag = change.ref.startswith(TAGS)
    return {
        "object_kind": "tag_push" if tag else "push",
        "event_name": "tag_push" if tag else "push",
        "before": change.old,
        "after": change.new,
        "ref": change.ref,
        "ref_protected": protected,
        "checkout_sha": None if change.deletes else str(repository[change.new].peel(pygit2.Commit).id),
        "message": _tag_message(repository, change) if tag else None,
        "user_id": user.id,
        "user_name": user.name,
        "user_username": user.username,
        "user_email": "",
        "user_avatar": None,
        "project_id": project.id,
        "project": about,
        "commits": [_commit(repository, commit, about["web_url"]) for commit in reversed(commits[:MOST_COMMITS])],
        "total_commits_count": len(commits),
        "push_options": {},
        "repository": {name: about[name] for name in _REPOSITORY_FIELDS},
    }


def _commits(repository: pygit2.Repository, change: Change) -> Sequence[pygit2.Commit]:
    """The commits that a push brought, newest first; of a new branch the last one alone."""
    if change.deletes or change.ref.startswith(TAGS):
        return []
    if change.creates:
        known = [name for name in repository.branches.local if f"refs/heads/{name}" != change.ref]
        walker = repository.walk(change.new, SortMode.TOPOLOGICAL)
        for name in known:
            walker.hide(repository.branches.local[name].target)
        return list(walker)
    walker = repository.walk(change.new, SortMode.TOPOLOGICAL)
    walker.hide(change.old)
    return list(walker)


def _commit(repository: pygit2.Repository, commit: pygit2.Commit, web_url: str) -> dict[str, Any]:
    diff = repository.diff(commit.parents[0], commit) if commit.parents else commit.tree.diff_to_tree(swap=True)
    paths: dict[str, list[str]] = {"added": [], "modified": [], "removed": []}
    for delta in diff.deltas:
        kind = {DeltaStatus.ADDED: "added", DeltaStatus.DELETED: "removed"}.get(delta.status, "modified")
        paths[kind].append(delta.new_file.path)
    return {**commit_payload(commit, web_url), **paths}


def _tag_message(repository: pygit2.Repository, change: Change) -> str | None:
    if change.new == ZERO:
        return None
    found = repository[change.new]
    return found.message.rstrip("\n") if isinstance(found, pygit2.Tag) else ""
