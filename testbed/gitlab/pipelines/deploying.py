"""What jobs with ``environment`` do: make environments, record deployments, stop environments."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import now
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines import variables
from testbed.gitlab.pipelines.announcing import announce_deployment
from testbed.gitlab.pipelines.durations import seconds
from testbed.gitlab.pipelines.environments import ensure_environment
from testbed.gitlab.pipelines.reports import dotenv_of
from testbed.gitlab.store import Deployment, Environment, Job

__all__ = ["follow_job", "prepare_environment"]

_DEPLOYMENT_STATUS = {
    "running": "running",
    "success": "success",
    "failed": "failed",
    "canceled": "canceled",
    "skipped": "skipped",
}


def prepare_environment(forge: Forge, session: Session, job: Job) -> None:
    """Make sure that the environment of a new job is there, and note the deployment that it will be.

    Raises:
        ValueError: when the name, with its variables filled in, is none that an environment may have.
    """
    wanted = job.options.get("environment")
    if not wanted:
        return
    known = variables.values(variables.of_job(forge, session, job))
    environment = ensure_environment(session, job.pipeline.project, variables.expand(wanted["name"], known))
    job.environment = environment
    if wanted.get("deployment_tier"):
        environment.tier = wanted["deployment_tier"]
    if wanted.get("action", "start") == "start":
        last = session.scalar(select(func.max(Deployment.iid)).where(Deployment.project_id == job.project_id))
        pipeline = job.pipeline
        job.deployment = Deployment(
            project_id=job.project_id,
            environment=environment,
            user_id=job.user_id,
            iid=(last or 0) + 1,
            ref=pipeline.ref,
            sha=pipeline.sha,
            tag=pipeline.tag,
            status="created",
        )
    session.flush()


def follow_job(forge: Forge, session: Session, job: Job) -> None:
    """Bring deployment and environment in line with the job's status."""
    wanted, environment = job.options.get("environment"), job.environment
    if not wanted or environment is None:
        return
    if job.deployment is not None:
        _follow(forge, session, job, job.deployment)
    if job.status == "success":
        _settle(forge, session, job, environment, wanted)


def _follow(forge: Forge, session: Session, job: Job, deployment: Deployment) -> None:
    status = _DEPLOYMENT_STATUS.get(job.status, "created")
    if status == deployment.status:
        return
    deployment.status = status
    if status in ("success", "failed", "canceled", "skipped"):
        deployment.finished_at = now()
    if status == "running":
        deployment.environment.state = "available"
    session.flush()
    if status not in ("created", "skipped"):
        announce_deployment(forge, session, deployment, job)


def _settle(forge: Forge, session: Session, job: Job, environment: Environment, wanted: dict[str, Any]) -> None:
    """What a job that succeeded leaves of the environment."""
    action = wanted.get("action", "start")
    if action == "stop":
        environment.state, environment.auto_stop_at = "stopped", None
        return
    if action in ("start", "prepare") and wanted.get("auto_stop_in"):
        span = seconds(wanted["auto_stop_in"])
        environment.auto_stop_at = now() + timedelta(seconds=span) if span is not None else None
    if action == "start":
        environment.state = "available"
        if wanted.get("url"):
            environment.external_url = _url(forge, session, job, wanted["url"])


def _url(forge: Forge, session: Session, job: Job, text: str) -> str:
    """The address, which may name variables of the job's own dotenv report."""
    known = variables.values(variables.of_job(forge, session, job)) | dotenv_of(forge.settings, job)
    return variables.expand(text, known)
