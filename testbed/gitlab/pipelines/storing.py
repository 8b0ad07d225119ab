"""Putting what was compiled into the database: the jobs of a pipeline, or why it has none."""

from __future__ import annotations

from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import now
from testbed.gitlab.forge import Forge
from testbed.gitlab.merging.following import pipeline_ended
from testbed.gitlab.pipelines.announcing import announce_pipeline
from testbed.gitlab.pipelines.cancelling import cancel_redundant
from testbed.gitlab.pipelines.compiling import Compiled
from testbed.gitlab.pipelines.deploying import prepare_environment
from testbed.gitlab.pipelines.downstream import bridge_of, depends
from testbed.gitlab.pipelines.job_definitions import PlannedJob
from testbed.gitlab.pipelines.processing import process, set_status, settle_bridge
from testbed.gitlab.store import Job, Pipeline

__all__ = ["keep"]


def keep(forge: Forge, session: Session, pipeline: Pipeline, compiled: Compiled) -> None:
    """Store the outcome of compiling a pipeline that was noted, and let it begin.

    A pipeline that its rules filter out is removed; one whose configuration is wrong stays, failed.
    """
    bridge = bridge_of(session, pipeline)
    pipeline.compiled = True
    if compiled.errors:
        _fail(forge, session, pipeline, compiled.errors)
    elif compiled.filtered is not None:
        session.delete(pipeline)
        session.flush()
    else:
        _begin(forge, session, pipeline, compiled)
    if bridge is None:
        return
    if compiled.errors or compiled.filtered is not None:
        settle_bridge(forge, session, bridge, "failed", "downstream_pipeline_creation_failed")
    elif not depends(bridge):
        settle_bridge(forge, session, bridge, "success", None)


def _begin(forge: Forge, session: Session, pipeline: Pipeline, compiled: Compiled) -> None:
    pipeline.name, pipeline.auto_cancel = compiled.name, compiled.auto_cancel
    jobs = [_row(pipeline, planned, compiled.stages.index(planned.stage)) for planned in compiled.jobs]
    jobs.sort(key=lambda job: job.stage_index)
    session.add_all(jobs)
    session.flush()
    announce_pipeline(forge, session, pipeline)
    for job in jobs:
        session.refresh(job)
        try:
            prepare_environment(forge, session, job)
        except ValueError:
            job.failure_reason = "environment_creation_failure"
            set_status(forge, session, job, "failed")
    cancel_redundant(forge, session, pipeline)
    process(forge, session, pipeline)


def _row(pipeline: Pipeline, planned: PlannedJob, stage_index: int) -> Job:
    return Job(
        pipeline_id=pipeline.id,
        project_id=pipeline.project_id,
        user_id=pipeline.user_id,
        kind=planned.kind,
        name=planned.name,
        stage=planned.stage,
        stage_index=stage_index,
        when=planned.when,
        start_in_s=planned.start_in_s,
        allow_failure=planned.allow_failure,
        allow_failure_codes=planned.allow_failure_codes,
        needs=planned.needs,
        options=planned.options,
        tag_list=planned.tag_list,
    )


def _fail(forge: Forge, session: Session, pipeline: Pipeline, errors: list[str]) -> None:
    pipeline.yaml_errors = "\n".join(errors)
    pipeline.status, pipeline.finished_at = "failed", now()
    session.flush()
    announce_pipeline(forge, session, pipeline)
    pipeline_ended(forge, session, pipeline)
