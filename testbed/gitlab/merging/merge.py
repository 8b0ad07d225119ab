"""Merging: making the commits and moving the target branch."""

from __future__ import annotations

from dataclasses import dataclass

import pygit2
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import level_of
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.levels import Level
from testbed.gitlab.forge import Forge
from testbed.gitlab.merging.announcing import announce
from testbed.gitlab.merging.branches import commit_at, commits_of, merged_tree, signature, source_tip, target_tip
from testbed.gitlab.merging.discussing import note_by_system
from testbed.gitlab.merging.messages import merge_message, squash_message
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.repositories.moving import MovedError, move_ref
from testbed.gitlab.repositories.policy import push_policy
from testbed.gitlab.repositories.rules import BRANCHES, ZERO, Change
from testbed.gitlab.store import MergeRequest, Project, User

__all__ = ["MergeError", "merge", "squashes"]

ATTEMPTS = 3
"""How often a merge is made again because somebody pushed to the target branch meanwhile."""


class MergeError(Exception):
    """The branches do not allow the merge (any more); the message says why."""


@dataclass(frozen=True)
class _Made:
    """The commits of a merge."""

    tip: str
    """Where the target branch goes."""
    merge: str | None
    squash: str | None


def merge(forge: Forge, session: Session, request: MergeRequest, user: User) -> None:
    """Merge as the project wants it and `MergeRequest.merge_params` say, then do what follows.

    Raises:
        MergeError: when the branches are in conflict, one is gone, or pushes keep coming in between. The branches are
            as they were then, and the merge request is open.
    """
    ref = BRANCHES + request.target_branch
    for _ in range(ATTEMPTS):
        target = target_tip(forge, request)
        if target is None:
            raise MergeError(f"the target branch {request.target_branch} is gone")
        made = _make(forge, session, request, user, target)
        # Set before the branch moves: what follows the push would take the merge for somebody else's.
        request.state, request.merged_at, request.merge_user = "merged", now(), user
        request.merge_commit_sha, request.squash_commit_sha = made.merge, made.squash
        request.auto_merge, request.merge_error = False, None
        session.flush()
        try:
            move_ref(forge, session, request.project, user, Change(str(target.id), made.tip, ref, web=True))
        except MovedError:
            request.state, request.merged_at = "opened", None
            request.merge_commit_sha = request.squash_commit_sha = None
            continue
        note_by_system(session, request, user, "merged")
        announce(forge, session, request, user, "merge", {"state_id": {"previous": 1, "current": 3}})
        _remove_source_branch(forge, session, request, user)
        return
    raise MergeError(f"the target branch {request.target_branch} kept moving")


def squashes(request: MergeRequest) -> bool:
    """Whether the commits become one."""
    option = setting(request.project, "squash_option")
    return option == "always" or (request.squash and option != "never")


def _make(forge: Forge, session: Session, request: MergeRequest, user: User, target: pygit2.Commit) -> _Made:
    repository = forge.storage.open(request.project_id)
    head = commit_at(repository, request.sha)
    method = setting(request.project, "merge_method")
    if method != "merge" and not repository.descendant_of(head.id, target.id):
        raise MergeError(f"the source branch {request.source_branch} must be rebased first")
    squashed = _squash(forge, session, request, user, repository) if squashes(request) else None
    tip = head if squashed is None else squashed
    squash_name = None if squashed is None else str(squashed.id)
    if method == "ff":
        return _Made(str(tip.id), None, squash_name)
    tree = merged_tree(repository, target, tip)
    if tree is None:
        raise MergeError("there are merge conflicts")
    message = request.merge_params.get("commit_message") or merge_message(forge, session, request, user)
    maker = signature(user)
    made = str(repository.create_commit(None, maker, maker, message, tree, [target.id, tip.id]))
    return _Made(made, made, squash_name)


def _squash(
    forge: Forge, session: Session, request: MergeRequest, user: User, repository: pygit2.Repository
) -> pygit2.Commit | None:
    """One commit with all changes, unless there is such a one already."""
    target = repository.branches.local[request.target_branch].target
    head = commit_at(repository, request.sha)
    base = repository.merge_base(target, head.id)
    wanted = request.merge_params.get("squash_commit_message") or squash_message(forge, session, request, user)
    commits = commits_of(repository, str(target), request.sha)
    if base is None or (len(commits) == 1 and commits[0].message.strip() == wanted.strip()):
        return None
    author = signature(request.author or user)
    made = repository.create_commit(None, author, signature(user), wanted, head.tree.id, [base])
    return commit_at(repository, str(made))


def _remove_source_branch(forge: Forge, session: Session, request: MergeRequest, user: User) -> None:
    """Remove the source branch where that was asked for and the user may."""
    wanted = request.merge_params.get("should_remove_source_branch")
    if not (request.remove_source_branch if wanted is None else wanted):
        return
    project, head = request.source_project, source_tip(forge, request)
    # A branch that went on is not merged; removing it would lose commits.
    if (
        project is None
        or head is None
        or str(head.id) != request.sha
        or not _may_remove(session, request, project, user)
    ):
        return
    change = Change(str(head.id), ZERO, BRANCHES + request.source_branch, web=True)
    try:
        move_ref(forge, session, project, user, change)
    except MovedError:
        return


def _may_remove(session: Session, request: MergeRequest, project: Project, user: User) -> bool:
    actor = Actor(user=user)
    if request.source_branch == project.default_branch or level_of(session, actor, project) < Level.DEVELOPER:
        return False
    return not push_policy(session, actor, project).matching("branch", request.source_branch)
