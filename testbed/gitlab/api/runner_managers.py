"""The machines behind runners, and whether somebody is there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import now
from testbed.gitlab.core.job_tokens import ACTIVE
from testbed.gitlab.store import Job, Runner, RunnerManager

__all__ = ["execution_status", "latest_info", "manager_entity", "presence"]

ONLINE = timedelta(hours=2)
STALE = timedelta(days=7)
"""Silence after which GitLab calls a runner offline, and stale."""


def presence(contacted_at: datetime | None, created_at: datetime) -> str:
    """Whether a runner or machine is ``online``, ``offline``, ``stale``, or has ``never_contacted``."""
    silence = now() - (contacted_at or created_at)
    if silence > STALE:
        return "stale"
    if contacted_at is None:
        return "never_contacted"
    return "online" if silence <= ONLINE else "offline"


def execution_status(session: Session, runner: Runner, system_id: str | None = None) -> str:
    """Whether a runner, or one of its machines, works on a job."""
    working = select(Job.id).where(Job.runner_id == runner.id, Job.status.in_(ACTIVE))
    if system_id is not None:
        working = working.where(Job.runner_system_id == system_id)
    return "active" if session.scalar(working.limit(1)) is not None else "idle"


def latest_info(session: Session, runner: Runner) -> dict[str, Any]:
    """What the machine that called last says about itself."""
    latest = select(RunnerManager).where(RunnerManager.runner_id == runner.id)
    found = session.scalar(latest.order_by(RunnerManager.contacted_at.desc()).limit(1))
    info = found.info if found is not None else {}
    return {name: info.get(name) for name in ("version", "revision", "platform", "architecture")}


def manager_entity(session: Session, runner: Runner, manager: RunnerManager) -> dict[str, Any]:
    """A machine."""
    return {
        "id": manager.id,
        "system_id": manager.system_id,
        **{name: manager.info.get(name) for name in ("version", "revision", "platform", "architecture")},
        "created_at": manager.created_at,
        "contacted_at": manager.contacted_at,
        "ip_address": "127.0.0.1",
        "status": presence(manager.contacted_at, manager.created_at),
        "job_execution_status": execution_status(session, runner, manager.system_id),
    }
