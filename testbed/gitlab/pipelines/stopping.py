"""Stopping environments, with the job that tears them down."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.retrying import play_job, retry_job
from testbed.gitlab.pipelines.statuses import COMPLETED
from testbed.gitlab.store import Deployment, Environment, Job, User

__all__ = ["stop_environment"]


def stop_environment(forge: Forge, session: Session, environment: Environment, user: User | None) -> None:
    """Stop an environment: its ``on_stop`` job is played, where there is one; then it is stopped once that is done.

    Without a user the job runs as who deployed last.
    """
    environment.auto_stop_at = None
    job = _stopping_job(session, environment)
    acting = user or (job.user if job is not None else None)
    if job is None or acting is None or job.status not in ("manual", "scheduled", *COMPLETED):
        environment.state = "stopped"
        return
    environment.state = "stopping"
    if job.status in COMPLETED:
        retry_job(forge, session, job, acting)
    else:
        play_job(forge, session, job, acting, {})


def _stopping_job(session: Session, environment: Environment) -> Job | None:
    """The job that ``on_stop`` of the last good deployment names, when it waits to be played or can run again."""
    last = session.scalar(
        select(Job)
        .join(Deployment, Job.deployment_id == Deployment.id)
        .where(Deployment.environment_id == environment.id, Deployment.status == "success")
        .order_by(Deployment.id.desc())
        .limit(1)
    )
    name = last.options["environment"].get("on_stop") if last is not None else None
    if last is None or name is None:
        return None
    same = select(Job).where(Job.pipeline_id == last.pipeline_id, Job.name == name, Job.retried.is_(False))
    return session.scalar(same)
