"""Who may deploy to protected environments."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import effective_members, level_of
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.levels import Level
from testbed.gitlab.store import Job, Namespace, Project, ProtectedEnvironment, User

__all__ = ["may_deploy"]


def may_deploy(session: Session, job: Job, user: User | None) -> bool:
    """Whether a user may run a job, as far as its environment is concerned."""
    if job.environment is None:
        return True
    protection = session.scalar(
        select(ProtectedEnvironment).where(
            ProtectedEnvironment.project_id == job.project_id, ProtectedEnvironment.name == job.environment.name
        )
    )
    if protection is None:
        return True
    entries = protection.deploy_access_levels
    return user is not None and any(
        entry["user_id"] == user.id
        or _in_group(session, entry["group_id"], user)
        or _has_role(session, job.project, user, entry["access_level"])
        for entry in entries
    )


def _in_group(session: Session, number: int | None, user: User) -> bool:
    group = session.get(Namespace, number) if number is not None else None
    return group is not None and user.id in {member.user_id for member in effective_members(session, group)}


def _has_role(session: Session, project: Project, user: User, least: int | None) -> bool:
    if least is None:
        return False
    return user.admin if least >= Level.ADMIN else level_of(session, Actor(user=user), project) >= least
