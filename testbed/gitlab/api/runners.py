"""Runners, made with the authentication-token flow."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from sqlalchemy import Select, or_, select

from testbed.gitlab.api.entities import runner_basic, user_basic, web_url
from testbed.gitlab.api.pipeline_entities import job_entity
from testbed.gitlab.api.runner_managers import execution_status, latest_info, manager_entity, presence
from testbed.gitlab.core.access import lineage
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import bad_request, forbidden, invalid, not_found, parameter_error
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import CommaSeparated, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.core.tokens import digest, generate
from testbed.gitlab.store import Container, Job, Namespace, Project, Runner, RunnerManager

__all__ = ["routes"]

routes = Routes(anonymous=False)

RunnerType = Literal["instance_type", "group_type", "project_type"]


class RunnerSettings(Params):
    """What creation and change take."""

    description: str | None = Field(None, max_length=1024)
    paused: bool | None = None
    locked: bool | None = None
    run_untagged: bool | None = None
    tag_list: CommaSeparated | None = None
    access_level: Literal["not_protected", "ref_protected"] | None = None
    maximum_timeout: int | None = None
    maintenance_note: str | None = None


class CreateRunner(RunnerSettings):
    """POST user/runners."""

    runner_type: RunnerType
    group_id: int | None = None
    project_id: int | None = None


class ListRunners(Params):
    """GET of a list of runners."""

    type: RunnerType | None = None
    paused: bool | None = None
    status: str | None = None
    tag_list: CommaSeparated = Field(default_factory=list)


class ListRunnerJobs(Params):
    """GET runners/:id/jobs."""

    status: Literal["running", "success", "failed", "canceled"] | None = None


class EnableRunner(Params):
    """POST projects/:id/runners."""

    runner_id: int


def runner_entity(call: Call, runner: Runner) -> dict[str, Any]:
    """A runner in a list."""
    status = presence(runner.contacted_at, runner.created_at)
    return {
        **runner_basic(runner),
        "online": None if runner.contacted_at is None else status == "online",
        "created_at": runner.created_at,
        "status": status,
        "job_execution_status": execution_status(call.session, runner),
        "created_by": user_basic(runner.creator, call.forge),
    }


def runner_detail(call: Call, runner: Runner) -> dict[str, Any]:
    """A runner."""
    ids = [*([runner.project_id] if runner.project_id else []), *runner.project_ids]
    projects = call.session.scalars(select(Project).where(Project.id.in_(ids)).order_by(Project.id))
    group = runner.namespace
    return {
        **runner_entity(call, runner),
        "tag_list": runner.tag_list,
        "run_untagged": runner.run_untagged,
        "locked": runner.locked,
        "maximum_timeout": runner.maximum_timeout,
        "access_level": runner.access_level,
        **latest_info(call.session, runner),
        "contacted_at": runner.contacted_at,
        "maintenance_note": runner.maintenance_note,
        "projects": [
            {
                "id": project.id,
                "name": project.name,
                "name_with_namespace": f"{project.namespace.full_name} / {project.name}",
                "path": project.path,
                "path_with_namespace": project.full_path,
            }
            for project in projects
        ],
        "groups": [{"id": group.id, "name": group.name, "web_url": web_url(group, call.forge)}] if group else [],
    }


@routes.post("/user/runners", scopes=("create_runner",))
def create_runner(call: Call, params: CreateRunner) -> dict[str, Any]:
    """Make a runner and its token; the runner itself may be started afterwards."""
    secret = generate("glrt-")
    runner = Runner(
        runner_type=params.runner_type, digest=digest(secret), creator_id=call.user.id, **_owner(call, params)
    )
    _apply(runner, params)
    call.add(runner)
    return {"id": runner.id, "token": secret, "token_expires_at": None}


@routes.get("/runners", scopes=("manage_runner",))
def list_runners(call: Call, params: ListRunners) -> Page:
    """The runners that the actor may manage."""
    rows = call.session.scalars(_filtered(select(Runner), params)).all()
    return call.page_of([row for row in rows if _manages(call, row)], lambda row: runner_entity(call, row))


@routes.get("/runners/all", scopes=("manage_runner",))
def list_all_runners(call: Call, params: ListRunners) -> Page:
    """All runners, for administrators."""
    call.need_admin()
    return call.page(_filtered(select(Runner), params), Runner.id, lambda row: runner_entity(call, row))


@routes.get("/runners/{runner_id}", scopes=("manage_runner",))
def get_runner(call: Call) -> dict[str, Any]:
    """One runner."""
    return runner_detail(call, _find(call))


@routes.put("/runners/{runner_id}", scopes=("manage_runner",))
def update_runner(call: Call, params: RunnerSettings) -> dict[str, Any]:
    """Change a runner."""
    runner = _find(call)
    _apply(runner, params)
    call.session.flush()
    return runner_detail(call, runner)


@routes.delete("/runners/{runner_id}", scopes=("manage_runner",))
def delete_runner(call: Call) -> None:
    """Remove a runner."""
    call.session.delete(_find(call))


@routes.get("/runners/{runner_id}/managers", scopes=("manage_runner",))
def list_managers(call: Call) -> Page:
    """The machines that run it."""
    runner = _find(call)
    machines = select(RunnerManager).where(RunnerManager.runner_id == runner.id).order_by(RunnerManager.id.desc())
    return call.page(machines, RunnerManager.id, lambda row: manager_entity(call.session, runner, row))


@routes.get("/runners/{runner_id}/jobs", scopes=("manage_runner",))
def list_jobs(call: Call, params: ListRunnerJobs) -> Page:
    """The jobs that it took, newest first."""
    jobs = select(Job).where(Job.runner_id == _find(call).id).order_by(Job.id.desc())
    if params.status is not None:
        jobs = jobs.where(Job.status == params.status)
    return call.page(jobs, Job.id, lambda row: job_entity(call, row))


@routes.post("/runners/{runner_id}/reset_authentication_token", scopes=("manage_runner",))
def reset_token(call: Call) -> dict[str, Any]:
    """Give a runner another token."""
    runner = _find(call)
    secret = generate("glrt-")
    runner.digest = digest(secret)
    return {"token": secret, "token_expires_at": None}


@routes.get("/projects/{id}/runners")
def list_project_runners(call: Call, params: ListRunners) -> Page:
    """The runners that take jobs of a project."""
    project = call.project(Level.MAINTAINER)
    mine = or_(Runner.of(*lineage(project)), Runner.runner_type == "instance_type")
    rows = call.session.scalars(_filtered(select(Runner), params)).all()
    fitting = set(call.session.scalars(select(Runner.id).where(mine)))
    found = [row for row in rows if row.id in fitting or project.id in row.project_ids]
    return call.page_of(found, lambda row: runner_entity(call, row))


@routes.get("/groups/{id}/runners")
def list_group_runners(call: Call, params: ListRunners) -> Page:
    """The runners of a group and of those above it."""
    group = call.group(Level.MAINTAINER)
    statement = select(Runner).where(or_(Runner.of(*group.lineage()), Runner.runner_type == "instance_type"))
    return call.page(_filtered(statement, params), Runner.id, lambda row: runner_entity(call, row))


@routes.post("/projects/{id}/runners")
def enable_runner(call: Call, params: EnableRunner) -> dict[str, Any]:
    """Let a project runner take jobs of a further project."""
    project = call.project(Level.MAINTAINER)
    runner = call.session.get(Runner, params.runner_id)
    if runner is None:
        raise not_found("Runner")
    if runner.runner_type != "project_type" or runner.locked:
        raise forbidden("Runner is locked" if runner.locked else "Runner is a group runner")
    if not _manages(call, runner):
        raise forbidden("No access granted")
    if project.id == runner.project_id or project.id in runner.project_ids:
        raise bad_request("Runner: has already been taken")
    runner.project_ids = [*runner.project_ids, project.id]
    return runner_entity(call, runner)


@routes.delete("/projects/{id}/runners/{runner_id}")
def disable_runner(call: Call) -> None:
    """Take a project runner away from a project other than its own."""
    project = call.project(Level.MAINTAINER)
    runner = call.session.get(Runner, call.number("runner_id", "Runner"))
    if runner is None or project.id not in (runner.project_id, *runner.project_ids):
        raise not_found("Runner")
    if project.id == runner.project_id:
        raise forbidden("You cannot unassign a runner from the owner project. Delete the runner instead")
    runner.project_ids = [each for each in runner.project_ids if each != project.id]


def _owner(call: Call, params: CreateRunner) -> dict[str, Container]:
    """The group or project that the runner is for."""
    if params.runner_type == "instance_type":
        call.need_admin()
        return {}
    group = params.runner_type == "group_type"
    name, number = ("group_id", params.group_id) if group else ("project_id", params.project_id)
    if number is None:
        raise parameter_error(f"{name} is missing")
    container: Container | None = call.session.get(Namespace, number) if group else call.session.get(Project, number)
    if container is None or call.level(container) < (Level.OWNER if group else Level.MAINTAINER):
        raise forbidden("Insufficient permissions")
    return {"namespace" if group else "project": container}


def _find(call: Call) -> Runner:
    found = call.session.get(Runner, call.number("runner_id", "Runner"))
    if found is None:
        raise not_found("Runner")
    if not _manages(call, found):
        raise forbidden("No access granted")
    return found


def _manages(call: Call, runner: Runner) -> bool:
    if call.user.admin:
        return True
    if runner.runner_type == "instance_type":
        return False
    least = Level.OWNER if runner.namespace is not None else Level.MAINTAINER
    return call.level(runner.container) >= least


def _filtered(statement: Select[Runner], params: ListRunners) -> Select[Runner]:
    if params.type is not None:
        statement = statement.where(Runner.runner_type == params.type)
    if params.paused is not None:
        statement = statement.where(Runner.paused.is_(params.paused))
    return statement.order_by(Runner.id.desc())


def _apply(runner: Runner, params: RunnerSettings) -> None:
    for name, value in params.given("runner_type", "group_id", "project_id").items():
        if value is not None or name in ("description", "maximum_timeout", "maintenance_note"):
            setattr(runner, name, value)
    if runner.run_untagged is False and not runner.tag_list:
        raise invalid(tags_list="can not be empty when runner is not allowed to pick untagged jobs")
    if runner.maximum_timeout is not None and runner.maximum_timeout < 600:
        raise invalid(maximum_timeout="needs to be at least 10 minutes")
