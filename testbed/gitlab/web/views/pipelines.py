"""Pipelines: the list, and one as a graph of its stages."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from starlette.responses import Response

from testbed.gitlab.api.pipeline_entities import readable_project
from testbed.gitlab.core.errors import forbidden, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.pipelines.cancelling import cancel_pipeline
from testbed.gitlab.pipelines.retrying import retry_pipeline
from testbed.gitlab.repositories.policy import push_policy
from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.store import Job, Pipeline, User
from testbed.gitlab.web.graph import draw
from testbed.gitlab.web.rendering import address
from testbed.gitlab.web.summaries import MOVING, shows, stages_by_pipeline
from testbed.gitlab.web.visits import Views, Visit

__all__ = ["allowed_to_run", "may_run", "views"]

views = Views()


@views.project("/pipelines")
def pipelines(visit: Visit) -> Response:
    """The pipelines, newest first; with ``?ref=`` or ``?status=`` some of them."""
    readable_project(visit.call)
    query = visit.request.query_params
    found = select(Pipeline).where(Pipeline.project_id == visit.project.id)
    for name, column in (("ref", Pipeline.ref), ("status", Pipeline.status)):
        if query.get(name):
            found = found.where(column == query[name])
    found = found.options(joinedload(Pipeline.user), joinedload(Pipeline.merge_request)).order_by(Pipeline.id.desc())
    rows = visit.rows(found)
    return visit.show(
        "pipelines.html",
        project=visit.project,
        pipelines=rows,
        stages=stages_by_pipeline(visit.session, rows.items),
        wanted=query.get("status", ""),
        live=any(each.status in MOVING for each in rows.items),
    )


@views.project("/pipelines/{number}")
def pipeline(visit: Visit) -> Response:
    """One pipeline: its stages and jobs, what they wait for, and why something failed."""
    found = _pipeline(visit)
    jobs = select(Job).where(Job.pipeline_id == found.id).order_by(Job.stage_index, Job.id)
    options = (joinedload(Job.downstream), joinedload(Job.runner), selectinload(Job.artifacts))
    every = list(visit.session.scalars(jobs.options(*options)).unique())
    starting = select(Job).where(Job.downstream_id == found.id).options(joinedload(Job.pipeline))
    bridge = visit.session.scalar(starting)
    return visit.show(
        "pipeline.html",
        project=visit.project,
        pipeline=found,
        commit=resolve(visit.repository, found.sha) if visit.reads_code else None,
        graph=draw([job for job in every if not job.retried]),
        jobs=every,
        upstream=bridge if bridge is not None and shows(visit, bridge.pipeline) else None,
        live=found.status in MOVING,
        may_run=may_run(visit, found),
    )


@views.project("/pipelines/{number}/retry", method="POST")
def retry(visit: Visit) -> Response:
    """Run once more what failed or was cancelled."""
    found = _pipeline(visit)
    retry_pipeline(visit.forge, visit.session, found, allowed_to_run(visit, found))
    return visit.go(address(visit.project, "pipelines", found.id))


@views.project("/pipelines/{number}/cancel", method="POST")
def cancel(visit: Visit) -> Response:
    """Cancel what has not ended."""
    found = _pipeline(visit)
    allowed_to_run(visit, found)
    cancel_pipeline(visit.forge, visit.session, found)
    return visit.go(address(visit.project, "pipelines", found.id))


def may_run(visit: Visit, found: Pipeline) -> bool:
    """Whether the visitor may run, stop and repeat jobs of a pipeline: on protected refs that takes a right to them."""
    if visit.level < Level.DEVELOPER or "api" not in visit.actor.scopes or visit.project.archived:
        return False
    rules = push_policy(visit.session, visit.actor, visit.project).matching("tag" if found.tag else "branch", found.ref)
    return not rules or any(rule.push or rule.merge for rule in rules)


def allowed_to_run(visit: Visit, found: Pipeline) -> User:
    """The visitor, who may run jobs of a pipeline.

    Raises:
        ApiError: 403.
    """
    if visit.actor.user is None or not may_run(visit, found):
        raise forbidden()
    return visit.actor.user


def _pipeline(visit: Visit) -> Pipeline:
    readable_project(visit.call)
    number = visit.number("number", "Pipeline")
    mine = select(Pipeline).where(Pipeline.project_id == visit.project.id, Pipeline.id == number)
    found = visit.session.scalar(mine)
    if found is None:
        raise not_found("Pipeline")
    return found
