"""Which runner or job calls: runners have tokens of their own kinds, in the body and in a header."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import ApiError, forbidden
from testbed.gitlab.core.job_tokens import ACTIVE
from testbed.gitlab.core.tokens import digest
from testbed.gitlab.store import Job, Runner, RunnerManager

__all__ = ["calling_job", "calling_runner", "job_token", "note_contact"]

CONTACT_NOTED_EVERY = timedelta(seconds=10)
"""Runners ask all the time; writing each time would keep other writers waiting."""


def calling_runner(call: Call, token: str | None) -> Runner:
    """The runner whose token was sent.

    Raises:
        ApiError: 403.
    """
    sent = token or call.headers.get("runner-token")
    found = call.session.scalar(select(Runner).where(Runner.digest == digest(sent))) if sent else None
    if found is None:
        raise forbidden()
    return found


def note_contact(call: Call, runner: Runner, system_id: str | None, info: dict[str, Any]) -> None:
    """Record that a runner called, and from which machine."""
    moment = now()
    known = system_id or "legacy"
    manager = call.session.scalar(
        select(RunnerManager).where(RunnerManager.runner_id == runner.id, RunnerManager.system_id == known)
    )
    if manager is None:
        manager = call.add(RunnerManager(runner_id=runner.id, system_id=known))
    if info and manager.info != info:
        manager.info = info
    if manager.contacted_at is None or moment - manager.contacted_at > CONTACT_NOTED_EVERY:
        manager.contacted_at = runner.contacted_at = moment


def job_token(call: Call, sent: str | None) -> str:
    """The job token of a request, from its parameters or its header; empty without one."""
    return sent or call.headers.get("job-token", "")


def calling_job(call: Call, token: str | None) -> Job:
    """The running job in the path, when its own token was sent.

    Raises:
        ApiError: 403, with the job's status when it is not running any more: the runner then gives up.
    """
    job = call.session.get(Job, call.number("job_id", "Job"))
    sent = job_token(call, token)
    if job is None or job.token_digest is None or not secrets.compare_digest(job.token_digest, digest(sent)):
        raise forbidden()
    if job.status not in ACTIVE:
        raise ApiError(403, {"message": "403 Forbidden - Job is not running"}, {"Job-Status": job.status})
    return job
