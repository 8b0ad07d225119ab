"""Telling the web hooks what pipelines and jobs do."""

from __future__ import annotations

from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.store import Deployment, Job, Pipeline
from testbed.gitlab.webhooks.pipeline_payloads import deployment_payload, job_payload, pipeline_payload
from testbed.gitlab.webhooks.queue import enqueue

__all__ = ["announce_deployment", "announce_job", "announce_pipeline"]


def announce_pipeline(forge: Forge, session: Session, pipeline: Pipeline) -> None:
    """Queue ``pipeline_events``."""
    repository = forge.storage.open(pipeline.project_id)
    payload = pipeline_payload(pipeline, repository, forge.settings.external_url)
    enqueue(session, pipeline.project, "pipeline_events", payload)


def announce_job(forge: Forge, session: Session, job: Job) -> None:
    """Queue ``job_events``."""
    repository = forge.storage.open(job.project_id)
    enqueue(session, job.project, "job_events", job_payload(job, repository, forge.settings.external_url))


def announce_deployment(forge: Forge, session: Session, deployment: Deployment, job: Job) -> None:
    """Queue ``deployment_events``."""
    repository = forge.storage.open(deployment.project_id)
    payload = deployment_payload(job.project, deployment, job, repository, forge.settings.external_url)
    enqueue(session, job.project, "deployment_events", payload)
