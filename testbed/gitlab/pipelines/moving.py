"""The life of pipelines and jobs: every change of a job's status by a runner passes here."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import lineage
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.tokens import digest, generate
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.cancelling import cancel_after_failure
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.pipelines.processing import enqueue, process, set_status
from testbed.gitlab.pipelines.reports import coverage_of
from testbed.gitlab.pipelines.retrying import another_attempt, may_retry_itself
from testbed.gitlab.store import Job, Project, Runner

__all__ = ["finish_job", "start_job", "takeable_jobs"]


def takeable_jobs(session: Session, runner: Runner) -> list[Job]:
    """The pending jobs that a runner may take, first the one that waits longest.

    Considers the runner's kind and projects, tags, untagged policy, protection and pause. A job whose
    ``resource_group`` is taken is not pending.
    """
    if runner.paused:
        return []
    waiting = select(Job).where(Job.status == "pending", Job.kind == "build").order_by(Job.queued_at, Job.id)
    return [job for job in session.scalars(waiting) if _fits(runner, job)]


def _fits(runner: Runner, job: Job) -> bool:
    if job.project.archived or not _serves(runner, job.project):
        return False
    if runner.access_level == "ref_protected" and not job.pipeline.protected:
        return False
    return set(job.tag_list) <= set(runner.tag_list) if job.tag_list else runner.run_untagged


def _serves(runner: Runner, project: Project) -> bool:
    """Whether the runner is there for a project at all."""
    match runner.runner_type:
        case "instance_type":
            return bool(setting(project, "shared_runners_enabled"))
        case "group_type":
            return bool(setting(project, "group_runners_enabled")) and runner.namespace in lineage(project)
        case _:
            return project.id in (runner.project_id, *runner.project_ids)


def start_job(forge: Forge, session: Session, job: Job, runner: Runner, system_id: str) -> str:
    """Give a pending job to a runner.

    Returns:
        The job token (``glcbt-``...); only its digest is kept.
    """
    token = generate("glcbt-")
    job.token_digest = digest(token)
    job.runner, job.runner_system_id, job.heard_at = runner, system_id, now()
    set_status(forge, session, job, "running")
    process(forge, session, job.pipeline)
    return token


def finish_job(
    forge: Forge,
    session: Session,
    job: Job,
    status: str,
    failure_reason: str | None = None,
    exit_code: int | None = None,
) -> None:
    """Record how a job ended, retry it where its configuration says so, and move the pipeline along.

    Args:
        forge: the double.
        session: a writing session.
        job: a job that has not ended.
        status: ``success``, ``failed`` or ``canceled``.
        failure_reason: GitLab's name of it, for example ``script_failure`` or ``stuck_or_timeout_failure``.
        exit_code: of the script.
    """
    if job.status == "canceling":
        status, failure_reason = "canceled", None
    job.exit_code = exit_code
    job.failure_reason = (failure_reason or "unknown_failure") if status == "failed" else None
    job.coverage = coverage_of(forge.settings, job)
    if status == "failed" and exit_code is not None and exit_code in job.allow_failure_codes:
        job.allow_failure = True
    set_status(forge, session, job, status)
    if status == "failed" and may_retry_itself(session, job):
        enqueue(forge, session, another_attempt(forge, session, job, job.user))
    elif status == "failed" and not job.allow_failure:
        cancel_after_failure(forge, session, job)
    process(forge, session, job.pipeline)
