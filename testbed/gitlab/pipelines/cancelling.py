"""Cancelling jobs and pipelines: on request, after a failure, or because a newer pipeline makes them redundant."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import now
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.pipelines.downstream import bridge_of
from testbed.gitlab.pipelines.processing import latest_jobs, process, set_status, settle_bridge
from testbed.gitlab.pipelines.statuses import ALIVE, STARTED
from testbed.gitlab.store import Job, Pipeline, RunnerManager

__all__ = ["cancel_after_failure", "cancel_job", "cancel_pipeline", "cancel_redundant"]


def cancel_job(forge: Forge, session: Session, job: Job, *, force: bool = False) -> None:
    """Cancel one job that can still be cancelled, and move its pipeline along."""
    _cancel(forge, session, [job], force=force)
    process(forge, session, job.pipeline)


def cancel_pipeline(forge: Forge, session: Session, pipeline: Pipeline) -> None:
    """Cancel whatever of a pipeline and its child pipelines has not ended."""
    if not pipeline.compiled:
        pipeline.compiled, pipeline.status, pipeline.finished_at = True, "canceled", now()
        bridge = bridge_of(session, pipeline)
        if bridge is not None and bridge.status in ALIVE:
            settle_bridge(forge, session, bridge, "canceled", None)
        return
    _cancel(forge, session, latest_jobs(session, pipeline))
    process(forge, session, pipeline)


def cancel_after_failure(forge: Forge, session: Session, job: Job) -> None:
    """Cancel the rest where the configuration says ``auto_cancel: on_job_failure: all``."""
    if job.pipeline.auto_cancel.get("on_job_failure") == "all":
        _cancel(forge, session, latest_jobs(session, job.pipeline))


def cancel_redundant(forge: Forge, session: Session, pipeline: Pipeline) -> None:
    """Cancel older pipelines for the same ref that a new commit made pointless, as far as they let themselves."""
    if pipeline.tag or setting(pipeline.project, "auto_cancel_pending_pipelines") != "enabled":
        return
    older = select(Pipeline).where(
        Pipeline.project_id == pipeline.project_id,
        Pipeline.ref == pipeline.ref,
        Pipeline.tag.is_(False),
        Pipeline.id < pipeline.id,
        Pipeline.sha != pipeline.sha,
        Pipeline.source.in_(("push", "merge_request_event", "web", "api")),
        Pipeline.status.in_(ALIVE),
    )
    for other in session.scalars(older):
        _cancel_if_interruptible(forge, session, other)


def _cancel_if_interruptible(forge: Forge, session: Session, pipeline: Pipeline) -> None:
    jobs = latest_jobs(session, pipeline)
    match pipeline.auto_cancel.get("on_new_commit", "conservative"):
        case "none":
            return
        case "interruptible":
            _cancel(forge, session, [job for job in jobs if job.options.get("interruptible")])
            process(forge, session, pipeline)
        case _:
            if all(job.options.get("interruptible") for job in jobs if job.status in STARTED and job.kind == "build"):
                cancel_pipeline(forge, session, pipeline)


def _cancel(forge: Forge, session: Session, jobs: Iterable[Job], *, force: bool = False) -> None:
    for job in jobs:
        if job.status not in ALIVE and not (force and job.status == "canceling"):
            continue
        if job.downstream is not None:
            cancel_pipeline(forge, session, job.downstream)
        graceful = job.status == "running" and not force and _ends_gracefully(session, job)
        if job.status in (*ALIVE, "canceling"):  # the pipeline below may have taken the bridge along
            set_status(forge, session, job, "canceling" if graceful else "canceled")


def _ends_gracefully(session: Session, job: Job) -> bool:
    """Whether the runner runs ``after_script`` before it gives a cancelled job up."""
    manager = session.scalar(
        select(RunnerManager).where(
            RunnerManager.runner_id == job.runner_id, RunnerManager.system_id == job.runner_system_id
        )
    )
    return manager is not None and bool((manager.info.get("features") or {}).get("cancelable"))
