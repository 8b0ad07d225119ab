"""The life of pipelines and jobs: every change of a job's status passes here."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.store import Job, Project, Runner

__all__ = ["finish_job", "job_variables", "start_job", "takeable_jobs"]


def takeable_jobs(session: Session, runner: Runner) -> list[Job]:
    """The pending jobs that a runner may take, first the one that waits longest.

    Considers the runner's kind and projects, tags, untagged policy, protection, pause and the running limit of
    ``resource_group``.
    """
    return []


def start_job(forge: Forge, session: Session, job: Job, runner: Runner, system_id: str) -> str:
    """Give a pending job to a runner.

    Returns:
        The job token (``glcbt-``...); only its digest is kept.
    """
    raise NotImplementedError


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


def job_variables(forge: Forge, session: Session, project: Project, job: Job) -> list[dict[str, Any]]:
    """The variables of a job as the runner protocol has them: ``{key, value, public, file, masked, raw}`` each.

    Predefined, group, project, pipeline, dotenv and job variables in GitLab's order of precedence; protected ones only
    on protected refs, scoped ones only in their environment.
    """
    return []
