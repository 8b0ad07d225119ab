"""Pipeline trigger tokens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.core.tokens import generate
from testbed.gitlab.store import Trigger

__all__ = ["routes"]

routes = Routes(anonymous=False)


class CreateTrigger(Params):
    """POST projects/:id/triggers."""

    description: NotEmpty


class UpdateTrigger(Params):
    """PUT projects/:id/triggers/:trigger_id."""

    description: str | None = None


def trigger_entity(call: Call, trigger: Trigger) -> dict[str, Any]:
    """A trigger; its owner sees the token, others its beginning."""
    return {
        "id": trigger.id,
        "description": trigger.description,
        "created_at": trigger.created_at,
        "updated_at": trigger.updated_at,
        "last_used": trigger.last_used,
        "token": trigger.token if trigger.owner_id == call.user.id else trigger.token[:10],
        "owner": user_basic(trigger.owner, call.forge),
    }


@routes.get("/projects/{id}/triggers")
def list_triggers(call: Call) -> Page:
    """The triggers."""
    project = call.project(Level.MAINTAINER)
    statement = select(Trigger).where(Trigger.project_id == project.id).order_by(Trigger.id)
    return call.page(statement, Trigger.id, lambda row: trigger_entity(call, row))


@routes.get("/projects/{id}/triggers/{trigger_id}")
def get_trigger(call: Call) -> dict[str, Any]:
    """One trigger."""
    return trigger_entity(call, _find(call))


@routes.post("/projects/{id}/triggers")
def create_trigger(call: Call, params: CreateTrigger) -> dict[str, Any]:
    """Make a trigger."""
    project = call.project(Level.MAINTAINER)
    trigger = Trigger(
        project_id=project.id, owner=call.user, description=params.description, token=generate("glptt-", 40)
    )
    return trigger_entity(call, call.add(trigger))


@routes.put("/projects/{id}/triggers/{trigger_id}")
def update_trigger(call: Call, params: UpdateTrigger) -> dict[str, Any]:
    """Describe a trigger differently."""
    trigger = _find(call)
    if params.description is not None:
        trigger.description = params.description
    call.session.flush()
    return trigger_entity(call, trigger)


@routes.delete("/projects/{id}/triggers/{trigger_id}")
def delete_trigger(call: Call) -> None:
    """Remove a trigger."""
    call.session.delete(_find(call))


def _find(call: Call) -> Trigger:
    project = call.project(Level.MAINTAINER)
    number = call.number("trigger_id", "Trigger")
    found = call.session.scalar(select(Trigger).where(Trigger.project_id == project.id, Trigger.id == number))
    if found is None:
        raise not_found("Trigger")
    return found
