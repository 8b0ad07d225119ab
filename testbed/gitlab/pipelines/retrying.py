"""Running jobs again: by hand, by ``retry`` in the configuration, and manual jobs for the first time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.deploying import prepare_environment
from testbed.gitlab.pipelines.processing import enqueue, latest_jobs, process
from testbed.gitlab.pipelines.statuses import COMPLETED
from testbed.gitlab.store import Job, Pipeline, User

__all__ = ["another_attempt", "may_retry_itself", "play_job", "retry_job", "retry_pipeline"]

_KEPT = (
    "pipeline_id",
    "project_id",
    "kind",
    "name",
    "stage",
    "stage_index",
    "when",
    "start_in_s",
    "allow_failure",
    "allow_failure_codes",
    "needs",
    "options",
    "tag_list",
)
"""What another attempt has in common with the one before."""


def may_retry_itself(session: Session, job: Job) -> bool:
    """Whether the configuration asks for another attempt after this failure."""
    wanted = _retry(job.options.get("retry"))
    reasons, codes = wanted.get("when", ["always"]), wanted.get("exit_codes", [])
    if "always" not in reasons and job.failure_reason not in reasons and job.exit_code not in codes:
        return False
    if codes and "when" not in wanted and job.exit_code not in codes:
        return False
    same = select(func.count()).where(Job.pipeline_id == job.pipeline_id, Job.name == job.name, Job.retried)
    return (session.scalar(same) or 0) < int(wanted["max"])


def _retry(value: Any) -> dict[str, Any]:
    """``retry`` in its long form."""
    if not isinstance(value, dict):
        return {"max": value or 0}
    lists = {key: each if isinstance(each, list) else [each] for key, each in value.items() if key != "max"}
    return {"max": value.get("max", 0), **lists}


def another_attempt(forge: Forge, session: Session, job: Job, user: User | None) -> Job:
    """A new job in the place of one that has ended."""
    attempt = Job(**{name: getattr(job, name) for name in _KEPT}, user_id=user.id if user else None)
    if job.allow_failure and job.exit_code in job.allow_failure_codes:
        attempt.allow_failure = False
    job.retried = True
    session.add(attempt)
    session.flush()
    session.refresh(attempt)
    prepare_environment(forge, session, attempt)
    return attempt


def retry_job(forge: Forge, session: Session, job: Job, user: User) -> Job:
    """Run a job that has ended once more."""
    attempt = another_attempt(forge, session, job, user)
    _reset_skipped(session, attempt)
    enqueue(forge, session, attempt)
    process(forge, session, attempt.pipeline)
    return attempt


def play_job(forge: Forge, session: Session, job: Job, user: User, variables: dict[str, str]) -> None:
    """Start a manual or delayed job now.

    Args:
        forge: the double.
        session: a writing session.
        job: in status ``manual`` or ``scheduled``.
        user: on whose behalf it runs.
        variables: for this run alone; they go before all others.
    """
    job.user_id = user.id
    if variables:
        job.options = {**job.options, "played_with": variables}
    _reset_skipped(session, job)
    enqueue(forge, session, job)
    process(forge, session, job.pipeline)


def retry_pipeline(forge: Forge, session: Session, pipeline: Pipeline, user: User) -> None:
    """Run once more what failed or was cancelled, then go on."""
    jobs = latest_jobs(session, pipeline)
    for job in jobs:
        if job.status in ("failed", "canceled") and job.kind != "external":
            another_attempt(forge, session, job, user)
        elif job.status == "skipped":
            job.status, job.user_id, job.finished_at = "created", user.id, None
    process(forge, session, pipeline)


def _reset_skipped(session: Session, job: Job) -> None:
    """Let jobs that were skipped because of this one be decided about again."""
    reached = {job.name}
    for other in latest_jobs(session, job.pipeline):
        depends = other.stage_index > job.stage_index if other.needs is None else False
        if other.needs is not None:
            depends = any(need["job"] in reached for need in other.needs)
        if depends and other.status in COMPLETED:
            reached.add(other.name)
            if other.status == "skipped":
                other.status, other.finished_at = "created", None
    session.flush()
