"""Environments and what was deployed to them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import joinedload
from starlette.responses import Response

from testbed.gitlab.core.errors import not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.store import Deployment, Environment, Job
from testbed.gitlab.web.summaries import last_deployments
from testbed.gitlab.web.visits import Views, Visit

__all__ = ["views"]

views = Views()


@views.project("/environments")
def environments(visit: Visit) -> Response:
    """The environments, those in use first."""
    visit.need(Level.REPORTER)
    found = select(Environment).where(Environment.project_id == visit.project.id)
    rows = visit.rows(
        found.options(joinedload(Environment.cluster_agent)).order_by(Environment.state, Environment.name)
    )
    return visit.show(
        "environments.html",
        project=visit.project,
        environments=rows,
        deployments=last_deployments(visit.session, rows.items),
    )


@views.project("/environments/{number}")
def environment(visit: Visit) -> Response:
    """One environment with its deployments, newest first."""
    visit.need(Level.REPORTER)
    number = visit.number("number", "Environment")
    found = visit.session.scalar(
        select(Environment).where(Environment.project_id == visit.project.id, Environment.id == number)
    )
    if found is None:
        raise not_found("Environment")
    deployments = select(Deployment).where(Deployment.environment_id == found.id).order_by(Deployment.id.desc())
    rows = visit.rows(deployments.options(joinedload(Deployment.user)))
    jobs = select(Job).where(Job.deployment_id.in_([each.id for each in rows.items])).order_by(Job.id)
    return visit.show(
        "environment.html",
        project=visit.project,
        environment=found,
        deployments=rows,
        jobs={job.deployment_id: job for job in visit.session.scalars(jobs).unique()},
    )
