"""Merge requests: the list, one with everything said on it, and its changes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from starlette.responses import Response

from testbed.gitlab.api.pipeline_entities import readable_project
from testbed.gitlab.core.errors import forbidden, not_found, rejected
from testbed.gitlab.merging.approving import rule_states
from testbed.gitlab.merging.branches import commits_of
from testbed.gitlab.merging.checks import blocks, may_merge
from testbed.gitlab.merging.merge import MergeError, merge
from testbed.gitlab.pipelines.starting import head_pipeline
from testbed.gitlab.store import Approval, Job, MergeRequest, Pipeline, User
from testbed.gitlab.web import diffs
from testbed.gitlab.web.discussions import label_colours, threads_on
from testbed.gitlab.web.listing import in_state
from testbed.gitlab.web.markup import Links
from testbed.gitlab.web.rendering import address
from testbed.gitlab.web.summaries import MOVING, shows, stages_by_pipeline
from testbed.gitlab.web.visits import Views, Visit
from testbed.gitlab.web.widgets import Widget, widgets_of

__all__ = ["views"]

views = Views()

STATES = ("opened", "merged", "closed", "all")


@views.project("/merge_requests")
def merge_requests(visit: Visit) -> Response:
    """The merge requests in one state, newest first."""
    visit.need_code()
    mine = select(MergeRequest).where(MergeRequest.project_id == visit.project.id)
    listing = in_state(visit, MergeRequest, mine, STATES)
    return visit.show(
        "merge_requests.html",
        project=visit.project,
        requests=listing.rows,
        state=listing.state,
        counts=listing.counts,
        labels=listing.labels,
    )


@views.project("/merge_requests/{number}")
def merge_request(visit: Visit) -> Response:
    """One merge request: what it is for, whether it can be merged, and what was said."""
    request = _request(visit)
    pipeline = head_pipeline(visit.session, request)
    pipeline = pipeline if shows(visit, pipeline) else None
    people = select(User).where(User.id.in_([*request.assignee_ids, *request.reviewer_ids]))
    approvals = select(Approval).where(Approval.merge_request_id == request.id).options(joinedload(Approval.user))
    return visit.show(
        "merge_request.html",
        project=visit.project,
        request=request,
        pipeline=pipeline,
        stages=stages_by_pipeline(visit.session, [pipeline] if pipeline else []),
        reports=_reports(visit, pipeline),
        approvals=list(visit.session.scalars(approvals.order_by(Approval.id))),
        rules=rule_states(visit.session, request),
        blocks=blocks(visit.forge, visit.session, request),
        may_merge=_may_merge(visit, request),
        live=request.state == "opened" and pipeline is not None and pipeline.status in MOVING,
        people={user.id: user for user in visit.session.scalars(people)},
        labels=label_colours(visit, [request]),
        threads=threads_on(visit, request),
        links=Links(address(visit.project), visit.project.default_branch),
    )


@views.project("/merge_requests/{number}/commits")
def commits(visit: Visit) -> Response:
    """What a merge request brings, newest commit first."""
    request = _request(visit)
    known = request.base_sha in visit.repository and request.sha in visit.repository
    found = commits_of(visit.repository, request.base_sha, request.sha) if known else []
    return visit.show("merge_request_commits.html", project=visit.project, request=request, commits=found)


@views.project("/merge_requests/{number}/pipelines")
def pipelines(visit: Visit) -> Response:
    """The pipelines that ran for a merge request."""
    request = _request(visit)
    readable_project(visit.call)
    # Those in a fork are the fork's to show.
    mine = select(Pipeline).where(Pipeline.merge_request_id == request.id, Pipeline.project_id == visit.project.id)
    rows = visit.rows(mine.options(joinedload(Pipeline.user)).order_by(Pipeline.id.desc()))
    stages = stages_by_pipeline(visit.session, rows.items)
    return visit.show(
        "merge_request_pipelines.html", project=visit.project, request=request, pipelines=rows, stages=stages
    )


@views.project("/merge_requests/{number}/merge", method="POST")
def merge_now(visit: Visit) -> Response:
    """Merge, when nothing is in the way."""
    request = _request(visit)
    user = visit.user_with("api")
    if not _may_merge(visit, request):
        raise forbidden()
    if blocks(visit.forge, visit.session, request):
        raise rejected(405, "Something is in the way of this merge by now. Look at the merge request again.")
    try:
        merge(visit.forge, visit.session, request, user)
    except MergeError as error:
        raise rejected(409, f"The branches do not allow the merge: {error}.") from None
    return visit.go(address(visit.project, "merge_requests", request.iid))


@views.project("/merge_requests/{number}/diffs")
def changes(visit: Visit) -> Response:
    """What a merge request changes."""
    request = _request(visit)
    files = diffs.between(visit.repository, request.base_sha, request.sha)
    return visit.show("merge_request_diffs.html", project=visit.project, request=request, files=files)


def _request(visit: Visit) -> MergeRequest:
    visit.need_code()
    iid = visit.number("number", "Merge request")
    found = visit.session.scalar(
        select(MergeRequest).where(MergeRequest.project_id == visit.project.id, MergeRequest.iid == iid)
    )
    if found is None:
        raise not_found("Merge request")
    return found


def _may_merge(visit: Visit, request: MergeRequest) -> bool:
    return visit.actor.user is not None and may_merge(visit.session, visit.actor, request)


def _reports(visit: Visit, pipeline: Pipeline | None) -> list[Widget]:
    """What the jobs of a pipeline say about the change."""
    if pipeline is None:
        return []
    jobs = select(Job).where(Job.pipeline_id == pipeline.id, Job.retried.is_(False)).order_by(Job.id)
    found = visit.session.scalars(jobs.options(selectinload(Job.artifacts))).unique()
    return widgets_of(visit.forge.settings, list(found))
