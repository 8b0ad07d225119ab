"""What happens by time alone: silent runners lose their jobs, artifacts and what applications were given expire."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from sqlalchemy import func, select
from starlette.concurrency import run_in_threadpool

from testbed.gitlab.core.clock import now
from testbed.gitlab.core.job_tokens import ACTIVE
from testbed.gitlab.forge import Forge
from testbed.gitlab.oauth.ending import drop_ended
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.pipelines.files import drop_artifact
from testbed.gitlab.pipelines.moving import finish_job
from testbed.gitlab.pipelines.payload import timeout_of
from testbed.gitlab.store import Artifact, Job, Pipeline

__all__ = ["drop_expired", "fail_silent", "run"]

log = logging.getLogger(__name__)

SILENCE = timedelta(minutes=2)
"""After so long without a word from its runner a job has failed; runners report at least twice a minute."""

GRACE = timedelta(minutes=1)
"""What a runner has beyond a job's time limit, for the steps around the script."""

TICK = 10.0
"""Seconds from one look to the next."""


async def run(forge: Forge) -> None:
    """Look after it until cancelled. While the double was away nobody could talk to it: silence counts from here."""
    begun = now()
    while True:
        await asyncio.sleep(TICK)
        steps = (drop_expired, drop_ended)
        for step in (fail_silent, *steps) if now() - begun > SILENCE else steps:
            try:
                await run_in_threadpool(step, forge)
            except Exception:
                log.exception("%s: tried again in %g s", step.__name__.replace("_", " "), TICK)


def fail_silent(forge: Forge) -> None:
    """End the jobs whose runner is silent, or should have ended them long ago."""
    with forge.database.write() as session:
        moment = now()
        for job in session.scalars(select(Job).where(Job.status.in_(ACTIVE), Job.kind == "build")):
            begun = job.started_at or job.updated_at
            late = begun + timedelta(seconds=timeout_of(job, job.runner)) + GRACE < moment
            if late or (job.heard_at or begun) + SILENCE < moment:
                finish_job(forge, session, job, "failed", "stuck_or_timeout_failure")
    forge.courier.wake()


def drop_expired(forge: Forge) -> None:
    """Remove expired artifacts, but those of the latest successful pipeline of a ref where the project keeps them."""
    latest = select(func.max(Pipeline.id)).where(Pipeline.status == "success")
    kept = latest.group_by(Pipeline.project_id, Pipeline.ref)
    with forge.database.write() as session:
        newest = set(session.scalars(kept))
        expired = select(Artifact).where(Artifact.expire_at < now())
        for artifact in session.scalars(expired):
            job = artifact.job
            if job.pipeline_id not in newest or not setting(job.project, "keep_latest_artifact"):
                drop_artifact(forge.settings, session, artifact)
