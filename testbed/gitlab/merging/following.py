"""What merge requests do when something happens around them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import now
from testbed.gitlab.forge import Forge
from testbed.gitlab.merging.announcing import announce
from testbed.gitlab.merging.approving import reset
from testbed.gitlab.merging.branches import commits_of, follow_source, keep_merge_ref, source_tip
from testbed.gitlab.merging.discussing import note_by_system
from testbed.gitlab.merging.waiting import call_off
from testbed.gitlab.pipelines.starting import head_pipeline, start_for_merge_request
from testbed.gitlab.repositories.rules import BRANCHES, Change
from testbed.gitlab.store import MergeRequest, Pipeline, Project, User

__all__ = ["branch_changed", "pipeline_ended"]

MOST_LISTED = 100
"""As many commits of a push are spelled out in a system note."""


def branch_changed(forge: Forge, session: Session, project: Project, user: User, change: Change) -> None:
    """Bring the open merge requests from and to a branch up to date, and start their pipelines.

    Called for every accepted change of a branch, in the transaction that records it.
    """
    branch = change.ref.removeprefix(BRANCHES)
    from_here = (MergeRequest.source_project_id == project.id) & (MergeRequest.source_branch == branch)
    for request in _open(session, from_here):
        _source_changed(forge, session, request, user)
    if change.deletes:
        return
    to_here = (MergeRequest.project_id == project.id) & (MergeRequest.target_branch == branch)
    for request in _open(session, to_here):
        _target_changed(forge, session, request, user, change)


def pipeline_ended(forge: Forge, session: Session, pipeline: Pipeline) -> None:
    """Merge what was waiting for this pipeline, when it succeeded; call the waiting off, when it did not.

    Called whenever a pipeline has reached a final status, in the transaction that records it.
    """
    # Merging moves a branch, and a moved branch comes back here: the import would go in a circle.
    from testbed.gitlab.merging.auto import merge_if_ready

    waiting = MergeRequest.auto_merge & (MergeRequest.sha == pipeline.sha)
    for request in _open(session, waiting):
        newest = head_pipeline(session, request)
        if newest is None or newest.id != pipeline.id or request.merge_user is None:
            continue
        if pipeline.status in ("success", "skipped"):
            merge_if_ready(forge, session, request)
        else:
            call_off(session, request, request.merge_user, f"the pipeline {pipeline.id} ended as {pipeline.status}")


def _open(session: Session, condition: ColumnElement[bool]) -> Sequence[MergeRequest]:
    statement = select(MergeRequest).where(MergeRequest.state == "opened", condition).order_by(MergeRequest.id)
    return session.scalars(statement).all()


def _source_changed(forge: Forge, session: Session, request: MergeRequest, user: User) -> None:
    head = source_tip(forge, request)
    if head is None:
        request.state, request.closed_at, request.closed_by = "closed", now(), user
        note_by_system(session, request, user, "closed")
        announce(forge, session, request, user, "close", {"state_id": {"previous": 1, "current": 2}})
        return
    old = request.sha
    if str(head.id) == old:
        return
    follow_source(forge, session, request)
    request.merge_error = None
    reset(session, request)
    note_by_system(session, request, user, _pushed(forge, request, old))
    if request.auto_merge:
        call_off(session, request, user, "the source branch was updated")
    announce(forge, session, request, user, "update", oldrev=old)
    start_for_merge_request(forge, session, request, user)


def _target_changed(forge: Forge, session: Session, request: MergeRequest, user: User, change: Change) -> None:
    """Take a merge request for merged when somebody pushed its commits to the target branch by hand."""
    repository = forge.storage.open(request.project_id)
    arrived = request.sha == change.new or repository.descendant_of(change.new, request.sha)
    if arrived and not change.creates and commits_of(repository, change.old, request.sha):
        request.state, request.merged_at, request.merge_user = "merged", now(), user
        note_by_system(session, request, user, "merged")
        announce(forge, session, request, user, "merge", {"state_id": {"previous": 1, "current": 3}})
        return
    keep_merge_ref(forge, request)


def _pushed(forge: Forge, request: MergeRequest, old: str) -> str:
    """What a push brought, as GitLab notes it."""
    repository = forge.storage.open(request.project_id)
    commits = commits_of(repository, old, request.sha)
    page = forge.url(request.project.full_path, "-/merge_requests", str(request.iid))
    lines = [f"<li>{str(each.id)[:8]} - {each.message.partition(chr(10))[0]}</li>" for each in commits[:MOST_LISTED]]
    count = f"{len(commits)} commit{'' if len(commits) == 1 else 's'}"
    return (
        f"added {count}\n\n<ul>{''.join(lines)}</ul>\n\n[Compare with previous version]({page}/diffs?start_sha={old})"
    )
