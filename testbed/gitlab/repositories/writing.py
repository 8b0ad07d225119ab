"""Changing branches and tags through the API."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import pygit2

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.repositories.commits import Action, build_tree
from testbed.gitlab.repositories.moving import MovedError, move_ref
from testbed.gitlab.repositories.policy import push_policy
from testbed.gitlab.repositories.rules import BRANCHES, ZERO, Change
from testbed.gitlab.repositories.storage import is_empty
from testbed.gitlab.store import Project

__all__ = ["NewCommit", "commit", "may_push", "update_ref"]


@dataclass(frozen=True, kw_only=True)
class NewCommit:
    """What is to be committed."""

    branch: str
    message: str
    actions: Sequence[Action]
    start: str | None = None
    """Branch, tag or commit that a new branch begins at; by default the branch itself."""
    force: bool = False
    """Begin at `start` even when the branch exists."""
    author_name: str | None = None
    author_email: str | None = None


def may_push(call: Call, project: Project, branch: str) -> bool:
    """Whether the actor may push to a branch, made or to be made."""
    if call.level(project) < Level.DEVELOPER:
        return False
    repository = call.forge.storage.open(project.id)
    policy = push_policy(call.session, call.actor, project, empty=is_empty(repository))
    rules = policy.matching("branch", branch)
    exists = branch in repository.branches.local
    return not rules or any(rule.push or (rule.merge and not exists) for rule in rules)


def commit(call: Call, project: Project, new: NewCommit) -> pygit2.Commit:
    """Make a commit on a branch.

    Raises:
        ApiError: when the actor may not, the branch or its start does not fit, or an action cannot be done.
    """
    if project.archived or not may_push(call, project, new.branch):
        raise forbidden("You are not allowed to push into this branch")
    repository = call.forge.storage.open(project.id)
    existing = repository.branches.local.get(new.branch)
    base = _base(repository, new, existing)
    tree = build_tree(repository, base, new.actions)
    committer = pygit2.Signature(call.user.name, call.user.email, int(time.time()), 0)
    author = pygit2.Signature(new.author_name or committer.name, new.author_email or committer.email, committer.time, 0)
    parents = [base.id] if base is not None else []
    created = repository.create_commit(None, author, committer, new.message, tree, parents)
    old = str(existing.target) if existing is not None else ZERO
    update_ref(call, project, Change(old, str(created), BRANCHES + new.branch, web=True))
    found = repository[created]
    assert isinstance(found, pygit2.Commit)  # noqa: S101 - created above
    return found


def update_ref(call: Call, project: Project, change: Change) -> None:
    """Set, create or delete a ref, then do what follows a push.

    Raises:
        ApiError: 400 when a push has moved it in the meantime.
    """
    try:
        move_ref(call.forge, call.session, project, call.user, change)
    except MovedError as error:
        raise rejected(400, str(error)) from None


def _base(repository: pygit2.Repository, new: NewCommit, existing: pygit2.Branch | None) -> pygit2.Commit | None:
    """The commit to build on; nothing in an empty repository."""
    if is_empty(repository):
        return None
    start = new.start or new.branch
    if existing is not None and start != new.branch and not new.force:
        raise rejected(
            400, f"A branch called '{new.branch}' already exists. Switch to that branch in order to make changes"
        )
    if existing is None and not pygit2.reference_is_valid_name(BRANCHES + new.branch):
        raise rejected(400, f"'{new.branch}' is not a valid branch name")
    try:
        found = repository.revparse_single(start if new.start else BRANCHES + start)
        return found.peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError):
        raise rejected(400, "You can only create or edit files when you are on a branch") from None
