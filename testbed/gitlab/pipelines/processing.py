"""Moving a pipeline along: which of its jobs are due, and what its own status is."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import now
from testbed.gitlab.forge import Forge
from testbed.gitlab.merging.following import pipeline_ended
from testbed.gitlab.pipelines.announcing import announce_job, announce_pipeline
from testbed.gitlab.pipelines.deploying import follow_job
from testbed.gitlab.pipelines.downstream import bridge_of, depends, start_downstream
from testbed.gitlab.pipelines.guarding import may_deploy
from testbed.gitlab.pipelines.statuses import COMPLETED, compose, compose_needs
from testbed.gitlab.store import Job, Pipeline

__all__ = ["enqueue", "latest_jobs", "process", "set_status", "settle_bridge"]

# Of the jobs before, taken together: which status lets a job of each kind begin.
_LETS_BEGIN = {
    "on_success": frozenset({"success", "skipped"}),
    "manual": frozenset({"success", "skipped"}),
    "delayed": frozenset({"success", "skipped"}),
    "on_failure": frozenset({"failed"}),
    "always": frozenset({"success", "failed", "skipped"}),
}

HOLDS_RESOURCE = ("pending", "preparing", "running", "canceling")
"""Statuses in which a job keeps its resource group from others."""


def latest_jobs(session: Session, pipeline: Pipeline) -> list[Job]:
    """The jobs that count, in the order of stages: of several attempts the last one."""
    mine = select(Job).where(Job.pipeline_id == pipeline.id, Job.retried.is_(False))
    return list(session.scalars(mine.order_by(Job.stage_index, Job.id)))


def process(forge: Forge, session: Session, pipeline: Pipeline) -> None:
    """Begin what is due, skip what will never be, and bring the pipeline's status up to date."""
    session.flush()
    jobs = latest_jobs(session, pipeline)
    moved = True
    while moved:
        moved = False
        for job in jobs:
            if job.status == "created" and job.kind != "external":
                moved |= _advance(forge, session, job, jobs)
    _follow_jobs(forge, session, pipeline, jobs)


def set_status(forge: Forge, session: Session, job: Job, status: str) -> None:
    """Give a job another status, with everything that hangs on it: times, token, deployment, resource group, hooks."""
    held = job.status in HOLDS_RESOURCE
    job.status = status
    moment = now()
    if status == "pending":
        job.queued_at = moment
    elif status == "running":
        job.started_at = moment
    elif status in COMPLETED:
        job.finished_at, job.token_digest = moment, None
    session.flush()
    follow_job(forge, session, job)
    if job.kind != "external":
        announce_job(forge, session, job)
    if held and status not in HOLDS_RESOURCE:
        _hand_on_resource(forge, session, job)


def enqueue(forge: Forge, session: Session, job: Job) -> None:
    """Let a job run: it waits for a runner, for its resource group, or is a bridge and starts its pipeline.

    A job that deploys where its user may not fails.
    """
    job.scheduled_at = None
    if not may_deploy(session, job, job.user):
        job.failure_reason = "protected_environment_failure"
        set_status(forge, session, job, "failed")
    elif job.kind == "bridge":
        set_status(forge, session, job, "pending")
        outcome, job.failure_reason = start_downstream(forge, session, job)
        set_status(forge, session, job, outcome)
    elif _resource(job) and _holder(session, job) is not None:
        set_status(forge, session, job, "waiting_for_resource")
    else:
        set_status(forge, session, job, "pending")


def _advance(forge: Forge, session: Session, job: Job, jobs: list[Job]) -> bool:
    """Decide about a created job, once the jobs before it have decided; whether there was a decision."""
    if job.needs is None:
        before = compose(other for other in jobs if other.stage_index < job.stage_index)
    else:
        needed = {need["job"] for need in job.needs}
        before = compose_needs(other for other in jobs if other.name in needed)
    if before not in COMPLETED:
        return False
    allowed = _LETS_BEGIN[job.when] if job.needs is None else _LETS_BEGIN[job.when] - _skipped_ends(job)
    if before not in allowed:
        set_status(forge, session, job, "skipped")
    elif job.when == "manual":
        set_status(forge, session, job, "manual")
    elif job.when == "delayed":
        job.scheduled_at = now() + timedelta(seconds=job.start_in_s or 0)
        set_status(forge, session, job, "scheduled")
    else:
        enqueue(forge, session, job)
    return True


def _skipped_ends(job: Job) -> frozenset[str]:
    """A job that was needed and never ran keeps others from running, except those that run always."""
    return frozenset() if job.when == "always" else frozenset({"skipped"})


def _follow_jobs(forge: Forge, session: Session, pipeline: Pipeline, jobs: list[Job]) -> None:
    status = compose(jobs)
    if not jobs or status == pipeline.status:
        return
    ended_before = pipeline.status in COMPLETED
    pipeline.status = status
    if status in COMPLETED:
        pipeline.finished_at = now()
    else:
        pipeline.finished_at = None
        if status == "running" and pipeline.started_at is None:
            pipeline.started_at = now()
    session.flush()
    announce_pipeline(forge, session, pipeline)
    bridge = bridge_of(session, pipeline)
    if bridge is not None and depends(bridge):
        settle_bridge(forge, session, bridge, *_mirrored(status))
    if status in COMPLETED and not ended_before:
        pipeline_ended(forge, session, pipeline)


def settle_bridge(forge: Forge, session: Session, bridge: Job, status: str, failure_reason: str | None) -> None:
    """Give a bridge the status that follows from its pipeline, and move the pipeline above along."""
    if bridge.status in (status, "canceled"):
        return
    bridge.failure_reason = failure_reason
    set_status(forge, session, bridge, status)
    process(forge, session, bridge.pipeline)


def _mirrored(status: str) -> tuple[str, str | None]:
    """What a bridge that waits for its pipeline becomes, and why."""
    if status in ("success", "canceled"):
        return status, None
    return ("failed", "downstream_pipeline_failed") if status in COMPLETED else ("running", None)


def _resource(job: Job) -> str | None:
    return job.options.get("resource_group")


def _sharing(session: Session, job: Job, *statuses: str) -> list[Job]:
    """Other jobs of the project with the same resource group, oldest first."""
    same = select(Job).where(
        Job.project_id == job.project_id,
        Job.status.in_(statuses),
        Job.id != job.id,
        Job.options["resource_group"].as_string() == _resource(job),
    )
    return list(session.scalars(same.order_by(Job.id)))


def _holder(session: Session, job: Job) -> Job | None:
    return next(iter(_sharing(session, job, *HOLDS_RESOURCE)), None)


def _hand_on_resource(forge: Forge, session: Session, job: Job) -> None:
    """Let the job that waits longest have the resource group."""
    if not _resource(job) or _holder(session, job) is not None:
        return
    for waiting in _sharing(session, job, "waiting_for_resource")[:1]:
        set_status(forge, session, waiting, "pending")
        process(forge, session, waiting.pipeline)
