"""The branches of a merge request in its repositories."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pygit2
from pygit2.enums import SortMode
from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.repositories.rules import BRANCHES, TAGS
from testbed.gitlab.store import MergeRequest, MergeRequestVersion, User

__all__ = [
    "bring",
    "commit_at",
    "commits_of",
    "copy_branches",
    "follow_source",
    "in_conflict",
    "keep_merge_ref",
    "merged_tree",
    "signature",
    "source_tip",
    "target_tip",
    "tip",
]


def tip(repository: pygit2.Repository, branch: str) -> pygit2.Commit | None:
    """The newest commit of a branch."""
    found = repository.references.get(BRANCHES + branch)
    return None if found is None else found.peel(pygit2.Commit)


def source_tip(forge: Forge, request: MergeRequest) -> pygit2.Commit | None:
    """The newest commit of the source branch; nothing when branch or project is gone."""
    if request.source_project_id is None:
        return None
    return tip(forge.storage.open(request.source_project_id), request.source_branch)


def target_tip(forge: Forge, request: MergeRequest) -> pygit2.Commit | None:
    """The newest commit of the target branch; nothing when it is gone."""
    return tip(forge.storage.open(request.project_id), request.target_branch)


def commit_at(repository: pygit2.Repository, name: str) -> pygit2.Commit:
    """A commit that is known to be there, by its full name."""
    return repository[name].peel(pygit2.Commit)


def commits_of(repository: pygit2.Repository, base: str, head: str) -> Sequence[pygit2.Commit]:
    """What `head` has and `base` has not, newest first."""
    walker = repository.walk(pygit2.Oid(hex=head), SortMode.TOPOLOGICAL | SortMode.TIME)
    walker.hide(pygit2.Oid(hex=base))
    return list(walker)


def merged_tree(repository: pygit2.Repository, ours: pygit2.Commit, theirs: pygit2.Commit) -> pygit2.Oid | None:
    """The tree of both taken together; nothing when they are in conflict."""
    index = repository.merge_commits(ours, theirs)
    return None if index.conflicts is not None else index.write_tree(repository)


@lru_cache(maxsize=4096)
def in_conflict(repository: Path, ours: str, theirs: str) -> bool:
    """Whether two commits cannot be merged. Commits never change, so the answer is remembered."""
    opened = pygit2.Repository(str(repository))
    return merged_tree(opened, commit_at(opened, ours), commit_at(opened, theirs)) is None


def signature(user: User) -> pygit2.Signature:
    """A user as author or committer of something made now."""
    return pygit2.Signature(user.name, user.email, int(time.time()), 0)


def bring(forge: Forge, giver: int, ref: str, taker: int, name: str) -> None:
    """Copy a ref with its objects from one project's repository to another's, under a name of its own there."""
    remote = forge.storage.open(taker).remotes.create_anonymous(str(forge.storage.path(giver)))
    remote.fetch([f"+{ref}:{name}"])


def copy_branches(forge: Forge, giver: int, taker: int, only: str | None = None) -> None:
    """Copy all branches and tags, or one branch, from one project's repository to another's."""
    wanted = [BRANCHES + only] if only else [f"{BRANCHES}*", f"{TAGS}*"]
    remote = forge.storage.open(taker).remotes.create_anonymous(str(forge.storage.path(giver)))
    remote.fetch([f"+{name}:{name}" for name in wanted])


def follow_source(forge: Forge, session: Session, request: MergeRequest) -> None:
    """Take over the source branch as it is now, as a new version, and keep it in the target repository."""
    head, target = source_tip(forge, request), target_tip(forge, request)
    if head is None or target is None or request.source_project_id is None:
        return
    repository = forge.storage.open(request.project_id)
    if request.from_fork:
        branch = BRANCHES + request.source_branch
        bring(forge, request.source_project_id, branch, request.project_id, request.head_ref)
    else:
        repository.references.create(request.head_ref, head.id, force=True)
    base = repository.merge_base(head.id, target.id)
    request.sha = str(head.id)
    request.start_sha = str(target.id)
    request.base_sha = str(target.id if base is None else base)
    session.flush()
    session.add(
        MergeRequestVersion(
            merge_request_id=request.id,
            head_sha=request.sha,
            base_sha=request.base_sha,
            start_sha=request.start_sha,
        )
    )
    keep_merge_ref(forge, request)


def keep_merge_ref(forge: Forge, request: MergeRequest) -> str | None:
    """Keep what merging would give, as far as branches are concerned.

    Returns:
        The commit; nothing when the branches are in conflict, or the target branch is gone.
    """
    repository = forge.storage.open(request.project_id)
    target = tip(repository, request.target_branch)
    tree = None if target is None else merged_tree(repository, target, commit_at(repository, request.sha))
    if target is None or tree is None:
        if request.merge_ref in repository.references:
            repository.references.delete(request.merge_ref)
        return None
    head = commit_at(repository, request.sha)
    # The time of the newer side: the same branches give the same commit, however often somebody asks.
    seconds = max(target.commit_time, head.commit_time)
    maker = pygit2.Signature("GitLab", "gitlab@testbed.invalid", seconds, 0)
    text = f"Merge {head.id} into {target.id}"
    made = repository.create_commit(None, maker, maker, text, tree, [target.id, head.id])
    known = repository.references.get(request.merge_ref)
    if known is None or known.target != made:
        repository.references.create(request.merge_ref, made, force=True)
    return str(made)
