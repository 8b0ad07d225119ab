"""Running pipeline schedules."""

from __future__ import annotations

import logging

from sqlalchemy.orm import Session

from testbed.gitlab.core.access import level_of
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.levels import Level
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.starting import Occasion, draft, has_configuration, note
from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.repositories.rules import BRANCHES, TAGS
from testbed.gitlab.store import Pipeline, Project, Schedule, User

__all__ = ["run_schedule"]

log = logging.getLogger(__name__)


def run_schedule(forge: Forge, session: Session, schedule: Schedule, user: User | None) -> Pipeline | None:
    """Note a schedule's pipeline, on behalf of a user.

    There is none when the user is gone, blocked, or no developer any more, or when the ref is gone.
    """
    project = session.get_one(Project, schedule.project_id)
    if user is None or user.state != "active" or level_of(session, Actor(user=user), project) < Level.DEVELOPER:
        log.warning("schedule %s does not run: its owner cannot start pipelines in %s", schedule.id, project.full_path)
        return None
    commit = resolve(forge.storage.open(project.id), schedule.ref)
    if commit is None or project.archived or not has_configuration(project, commit):
        log.warning("schedule %s does not run: %s has no pipelines in %s", schedule.id, schedule.ref, project.full_path)
        return None
    tag = schedule.ref.startswith(TAGS)
    occasion = Occasion(
        source="schedule",
        ref=schedule.ref.removeprefix(TAGS if tag else BRANCHES),
        sha=str(commit.id),
        tag=tag,
        variables=schedule.variables,
    )
    drafted = draft(session, project, user, occasion)
    drafted.schedule_id = schedule.id
    return note(forge, session, drafted)
