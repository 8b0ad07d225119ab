"""Putting the commits of a merge request on top of its target branch."""

from __future__ import annotations

import pygit2
from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.merging.branches import bring, commit_at, commits_of, signature, source_tip, target_tip
from testbed.gitlab.repositories.moving import MovedError, move_ref
from testbed.gitlab.repositories.rules import BRANCHES, Change
from testbed.gitlab.store import MergeRequest, User

__all__ = ["FAILED", "rebase"]

FAILED = "Rebase failed: Rebase locally, resolve all conflicts, then push the branch."


def rebase(forge: Forge, session: Session, request: MergeRequest, user: User) -> None:
    """Rebase the source branch; `MergeRequest.merge_error` says when it did not work, and nothing has changed then."""
    request.merge_error = None
    head, target, project = source_tip(forge, request), target_tip(forge, request), request.source_project
    if head is None or target is None or project is None:
        request.merge_error = FAILED
        return
    repository = forge.storage.open(request.project_id)
    made = _replay(repository, target, commit_at(repository, request.sha), user)
    if made is None:
        request.merge_error = FAILED
        return
    if made == str(head.id):
        return
    if request.from_fork:
        passing = f"refs/merge-requests/{request.iid}/rebase"
        repository.references.create(passing, made, force=True)
        bring(forge, request.project_id, passing, project.id, passing)
        for each in (repository, forge.storage.open(project.id)):
            each.references.delete(passing)
    try:
        move_ref(forge, session, project, user, Change(str(head.id), made, BRANCHES + request.source_branch, web=True))
    except MovedError:
        request.merge_error = FAILED


def _replay(repository: pygit2.Repository, onto: pygit2.Commit, head: pygit2.Commit, user: User) -> str | None:
    """Make the commits again on another one; the last one's name, or nothing at a conflict."""
    if repository.descendant_of(head.id, onto.id):
        return str(head.id)
    here = onto
    for commit in reversed(commits_of(repository, str(onto.id), str(head.id))):
        if len(commit.parents) != 1:
            continue  # a merge has nothing of its own, and a root has nothing to be compared with
        index = repository.merge_trees(commit.parents[0].tree, here.tree, commit.tree)
        if index.conflicts is not None:
            return None
        tree = index.write_tree(repository)
        if tree == here.tree.id:
            continue  # the target branch has the change already
        made = repository.create_commit(None, commit.author, signature(user), commit.message, tree, [here.id])
        here = commit_at(repository, str(made))
    return str(here.id)
