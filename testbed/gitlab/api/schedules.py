"""Pipeline schedules and their variables."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import select

from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.api.pipeline_summary import pipeline_summary
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.cron import CronError, TimezoneError, next_time
from testbed.gitlab.core.errors import forbidden, invalid, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.pipelines.scheduling import run_schedule
from testbed.gitlab.repositories.rules import BRANCHES, TAGS
from testbed.gitlab.store import Pipeline, Project, Schedule

__all__ = ["routes"]

routes = Routes(anonymous=False)


class CreateSchedule(Params):
    """POST projects/:id/pipeline_schedules."""

    description: NotEmpty
    ref: NotEmpty
    cron: NotEmpty
    cron_timezone: str = "UTC"
    active: bool = True


class UpdateSchedule(Params):
    """PUT projects/:id/pipeline_schedules/:id."""

    description: str | None = None
    ref: str | None = None
    cron: str | None = None
    cron_timezone: str | None = None
    active: bool | None = None


class ListSchedules(Params):
    """GET projects/:id/pipeline_schedules."""

    scope: Literal["active", "inactive"] | None = None


class CreateScheduleVariable(Params):
    """POST .../variables."""

    key: NotEmpty
    value: str
    variable_type: Literal["env_var", "file"] = "env_var"
    raw: bool = False


class UpdateScheduleVariable(Params):
    """PUT .../variables/:key."""

    value: str | None = None
    variable_type: Literal["env_var", "file"] | None = None
    raw: bool | None = None


def schedule_entity(call: Call, schedule: Schedule) -> dict[str, Any]:
    """A schedule in a list."""
    return {
        "id": schedule.id,
        "description": schedule.description,
        "ref": schedule.ref,
        "cron": schedule.cron,
        "cron_timezone": schedule.cron_timezone,
        "next_run_at": schedule.next_run_at,
        "active": schedule.active,
        "created_at": schedule.created_at,
        "updated_at": schedule.updated_at,
        "owner": user_basic(schedule.owner, call.forge),
    }


def schedule_detail(call: Call, schedule: Schedule) -> dict[str, Any]:
    """A schedule with its variables."""
    variables = [{"key": key, **facts} for key, facts in schedule.variables.items()]
    newest = select(Pipeline).where(Pipeline.schedule_id == schedule.id).order_by(Pipeline.id.desc()).limit(1)
    last = call.session.scalar(newest)
    return {
        **schedule_entity(call, schedule),
        "last_pipeline": pipeline_summary(last, call.forge) if last is not None else None,
        "variables": variables,
        "inputs": [],
    }


@routes.get("/projects/{id}/pipeline_schedules")
def list_schedules(call: Call, params: ListSchedules) -> Page:
    """The schedules."""
    project = call.project(Level.DEVELOPER)
    statement = select(Schedule).where(Schedule.project_id == project.id).order_by(Schedule.id)
    if params.scope is not None:
        statement = statement.where(Schedule.active.is_(params.scope == "active"))
    return call.page(statement, Schedule.id, lambda row: schedule_entity(call, row))


@routes.get("/projects/{id}/pipeline_schedules/{schedule_id}")
def get_schedule(call: Call) -> dict[str, Any]:
    """One schedule."""
    return schedule_detail(call, _find(call, Level.DEVELOPER))


@routes.post("/projects/{id}/pipeline_schedules")
def create_schedule(call: Call, params: CreateSchedule) -> dict[str, Any]:
    """Create a schedule, run by its creator."""
    project = call.project(Level.DEVELOPER)
    fields = params.model_dump() | {"ref": _full_ref(call, project, params.ref)}
    schedule = Schedule(project_id=project.id, owner=call.user, variables={}, **fields)
    _plan(schedule)
    return schedule_detail(call, call.add(schedule))


@routes.put("/projects/{id}/pipeline_schedules/{schedule_id}")
def update_schedule(call: Call, params: UpdateSchedule) -> dict[str, Any]:
    """Change a schedule."""
    schedule = _own(call)
    for name, value in params.given().items():
        if value is not None:
            setattr(schedule, name, _full_ref(call, call.project(), value) if name == "ref" else value)
    _plan(schedule)
    call.session.flush()
    return schedule_detail(call, schedule)


@routes.delete("/projects/{id}/pipeline_schedules/{schedule_id}")
def delete_schedule(call: Call) -> None:
    """Remove a schedule."""
    call.session.delete(_own(call))


@routes.post("/projects/{id}/pipeline_schedules/{schedule_id}/take_ownership")
def take_ownership(call: Call) -> dict[str, Any]:
    """Become the one whom a schedule runs as."""
    schedule = _find(call, Level.MAINTAINER)
    schedule.owner = call.user
    call.session.flush()
    return schedule_detail(call, schedule)


@routes.post("/projects/{id}/pipeline_schedules/{schedule_id}/play")
def play_schedule(call: Call) -> dict[str, str]:
    """Run a schedule now, as the caller."""
    schedule = _find(call, Level.DEVELOPER)
    run_schedule(call.forge, call.session, schedule, call.user)
    return {"message": "201 Created"}


@routes.get("/projects/{id}/pipeline_schedules/{schedule_id}/pipelines")
def list_schedule_pipelines(call: Call) -> Page:
    """The pipelines that a schedule started."""
    schedule = _find(call, Level.DEVELOPER)
    mine = select(Pipeline).where(Pipeline.schedule_id == schedule.id).order_by(Pipeline.id)
    return call.page(mine, Pipeline.id, lambda row: pipeline_summary(row, call.forge))


@routes.post("/projects/{id}/pipeline_schedules/{schedule_id}/variables")
def create_schedule_variable(call: Call, params: CreateScheduleVariable) -> dict[str, Any]:
    """Add a variable."""
    schedule = _own(call)
    if params.key in schedule.variables:
        raise invalid(key="has already been taken")
    schedule.variables = {**schedule.variables, params.key: params.model_dump(exclude={"key"})}
    return params.model_dump()


@routes.get("/projects/{id}/pipeline_schedules/{schedule_id}/variables/{key}")
def get_schedule_variable(call: Call) -> dict[str, Any]:
    """One variable."""
    schedule = _find(call, Level.DEVELOPER)
    return {"key": call.path["key"], **_variable(call, schedule)}


@routes.put("/projects/{id}/pipeline_schedules/{schedule_id}/variables/{key}")
def update_schedule_variable(call: Call, params: UpdateScheduleVariable) -> dict[str, Any]:
    """Change a variable."""
    schedule = _own(call)
    changed = {**_variable(call, schedule), **params.given()}
    schedule.variables = {**schedule.variables, call.path["key"]: changed}
    return {"key": call.path["key"], **changed}


@routes.delete("/projects/{id}/pipeline_schedules/{schedule_id}/variables/{key}", status=202)
def delete_schedule_variable(call: Call) -> dict[str, Any]:
    """Remove a variable."""
    schedule = _own(call)
    gone = {"key": call.path["key"], **_variable(call, schedule)}
    schedule.variables = {key: value for key, value in schedule.variables.items() if key != call.path["key"]}
    return gone


def _find(call: Call, at_least: Level) -> Schedule:
    project = call.project(at_least)
    number = call.number("schedule_id", "Pipeline Schedule")
    found = call.session.scalar(select(Schedule).where(Schedule.project_id == project.id, Schedule.id == number))
    if found is None:
        raise not_found("Pipeline Schedule")
    return found


def _own(call: Call) -> Schedule:
    """A schedule that the actor may change: one's own, or any as a maintainer."""
    schedule = _find(call, Level.DEVELOPER)
    if schedule.owner_id != call.user.id and call.level(call.project()) < Level.MAINTAINER:
        raise forbidden()
    return schedule


def _variable(call: Call, schedule: Schedule) -> dict[str, Any]:
    found = schedule.variables.get(call.path["key"])
    if found is None:
        raise not_found("Pipeline Schedule Variable")
    return dict(found)


def _full_ref(call: Call, project: Project, ref: str) -> str:
    names = call.forge.storage.open(project.id).references
    for prefix in (BRANCHES, TAGS):
        if prefix + ref in names:
            return prefix + ref
    return ref


def _plan(schedule: Schedule) -> None:
    try:
        schedule.next_run_at = next_time(schedule.cron, schedule.cron_timezone, now())
    except CronError:
        raise invalid(cron="syntax is invalid") from None
    except TimezoneError:
        raise invalid(cron_timezone="syntax is invalid") from None
