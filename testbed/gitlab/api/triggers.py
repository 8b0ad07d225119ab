"""Pipeline trigger tokens."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from sqlalchemy import select

from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.api.pipeline_entities import pipeline_detail
from testbed.gitlab.core.access import can_see
from testbed.gitlab.core.actor import ANONYMOUS, Actor
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import not_found, rejected
from testbed.gitlab.core.job_tokens import JOB_TOKEN_PREFIX, admits, running_job
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.core.tokens import generate
from testbed.gitlab.pipelines.launching import Wanted, given_variables, launch
from testbed.gitlab.store import Project, Trigger

__all__ = ["routes"]

routes = Routes(anonymous=False)


class CreateTrigger(Params):
    """POST projects/:id/triggers."""

    description: NotEmpty


class UpdateTrigger(Params):
    """PUT projects/:id/triggers/:trigger_id."""

    description: str | None = None


class TriggerRef(Params):
    """POST projects/:id/ref/:ref/trigger/pipeline."""

    token: NotEmpty
    variables: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, Any] = Field(default_factory=dict)


class TriggerPipeline(TriggerRef):
    """POST projects/:id/trigger/pipeline."""

    ref: NotEmpty


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


@routes.post("/projects/{id}/trigger/pipeline", anonymous=True, reading=True)
def trigger_pipeline(call: Call, params: TriggerPipeline) -> dict[str, Any]:
    """Start a pipeline with a trigger's token, or with a job's."""
    return _started(call, params, params.ref)


@routes.post("/projects/{id}/ref/{ref_name}/trigger/pipeline", anonymous=True, reading=True)
def trigger_pipeline_of_ref(call: Call, params: TriggerRef) -> dict[str, Any]:
    """The same, with the ref in the path."""
    return _started(call, params, call.path["ref_name"])


def _started(call: Call, params: TriggerRef, ref: str) -> dict[str, Any]:
    project = call.find(Project, call.path["id"])
    actor, source = _triggering(call, project, params.token) if project is not None else (ANONYMOUS, "")
    if project is None or not can_see(call.session, actor, project):
        raise not_found()
    if not all(isinstance(value, str) for value in params.variables.values()):
        raise rejected(400, "variables needs to be a map of key-valued strings")
    variables = given_variables({"key": key, "value": value} for key, value in params.variables.items())
    wanted = Wanted(ref=ref, source=source, variables=variables, inputs=params.inputs)
    return launch(call, project, actor, wanted, pipeline_detail)


def _triggering(call: Call, project: Project, token: str) -> tuple[Actor, str]:
    """On whose behalf a token starts pipelines, and what they say they come from."""
    if token.startswith(JOB_TOKEN_PREFIX):
        job = running_job(call.session, token)
        if job is None or not admits(call.session, job, project):
            raise not_found()
        return Actor(user=job.user), "pipeline"
    trigger = call.session.scalar(select(Trigger).where(Trigger.token == token, Trigger.project_id == project.id))
    if trigger is None or trigger.owner is None:
        raise not_found()
    return Actor(user=trigger.owner), "trigger"


def _find(call: Call) -> Trigger:
    project = call.project(Level.MAINTAINER)
    number = call.number("trigger_id", "Trigger")
    found = call.session.scalar(select(Trigger).where(Trigger.project_id == project.id, Trigger.id == number))
    if found is None:
        raise not_found("Trigger")
    return found
