"""Environments."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import select

from testbed.gitlab.api.deployment_entities import deployment_entity, environment_entity
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import forbidden, invalid, not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Instant, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.pipelines.environments import NAME_RULE, Tier, ensure_environment, is_name
from testbed.gitlab.pipelines.stopping import stop_environment as stop
from testbed.gitlab.store import Agent, Deployment, Environment, Project

__all__ = ["named_environment", "routes"]

routes = Routes(anonymous=False)


class EnvironmentSettings(Params):
    """What creation and change take."""

    external_url: str | None = None
    tier: Tier | None = None
    description: str | None = None
    cluster_agent_id: int | None = None
    kubernetes_namespace: str | None = None
    flux_resource_path: str | None = None
    auto_stop_setting: Literal["always", "with_action"] | None = None


class CreateEnvironment(EnvironmentSettings):
    """POST projects/:id/environments."""

    name: NotEmpty


class ListEnvironments(Params):
    """GET projects/:id/environments."""

    name: str | None = None
    search: str | None = None
    states: str | None = None


class StopEnvironment(Params):
    """POST projects/:id/environments/:environment_id/stop."""

    force: bool = False


class StopStale(Params):
    """POST projects/:id/environments/stop_stale."""

    before: Instant


@routes.get("/projects/{id}/environments")
def list_environments(call: Call, params: ListEnvironments) -> Page:
    """The environments."""
    project = call.project(Level.REPORTER)
    statement = select(Environment).where(Environment.project_id == project.id).order_by(Environment.id)
    if params.name:
        statement = statement.where(Environment.name == params.name)
    if params.search:
        if len(params.search) < 3:
            raise rejected(400, "400 Bad request - Search query is less than 3 characters")
        statement = statement.where(Environment.name.icontains(params.search, autoescape=True))
    if params.states:
        statement = statement.where(Environment.state == params.states)
    return call.page(statement, Environment.id, environment_entity)


@routes.get("/projects/{id}/environments/{environment_id}")
def get_environment(call: Call) -> dict[str, Any]:
    """One environment."""
    environment = _find(call, Level.REPORTER)
    last = call.session.scalar(
        select(Deployment)
        .where(Deployment.environment_id == environment.id, Deployment.status == "success")
        .order_by(Deployment.id.desc())
        .limit(1)
    )
    shown = deployment_entity(call, last) if last is not None else None
    return {**environment_entity(environment), "last_deployment": shown}


@routes.post("/projects/{id}/environments")
def create_environment(call: Call, params: CreateEnvironment) -> dict[str, Any]:
    """Create an environment."""
    project = call.project(Level.DEVELOPER)
    same = select(Environment.id).where(Environment.project_id == project.id, Environment.name == params.name)
    if call.session.scalar(same) is not None:
        raise invalid(name="has already been taken")
    environment = named_environment(call, project, params.name)
    _apply(call, environment, params)
    call.session.flush()
    return environment_entity(environment)


@routes.put("/projects/{id}/environments/{environment_id}")
def update_environment(call: Call, params: EnvironmentSettings) -> dict[str, Any]:
    """Change an environment; its name stays."""
    environment = _find(call, Level.DEVELOPER)
    _apply(call, environment, params)
    call.session.flush()
    call.session.refresh(environment)
    return environment_entity(environment)


@routes.delete("/projects/{id}/environments/{environment_id}")
def delete_environment(call: Call) -> None:
    """Remove a stopped environment."""
    environment = _find(call, Level.DEVELOPER)
    if environment.state != "stopped":
        raise forbidden()
    call.session.delete(environment)


@routes.post("/projects/{id}/environments/{environment_id}/stop", status=200)
def stop_environment(call: Call, params: StopEnvironment) -> dict[str, Any]:
    """Stop an environment, through the job that its last deployment names for that; with force without."""
    environment = _find(call, Level.DEVELOPER)
    if params.force:
        environment.state = "stopped"
    else:
        stop(call.forge, call.session, environment, call.user)
    call.session.flush()
    return environment_entity(environment)


@routes.post("/projects/{id}/environments/stop_stale", status=200)
def stop_stale_environments(call: Call, params: StopStale) -> dict[str, str]:
    """Stop what was not touched since a moment."""
    project = call.project(Level.MAINTAINER)
    if params.before > now():
        raise rejected(400, "400 Bad request - Invalid Date")
    stale = select(Environment).where(Environment.project_id == project.id, Environment.updated_at < params.before)
    for environment in call.session.scalars(stale):
        stop(call.forge, call.session, environment, call.user)
    return {"message": "Successfully requested stop for all stale environments"}


def named_environment(call: Call, project: Project, name: str) -> Environment:
    """The environment with a name, made when it is new.

    Raises:
        ApiError: when no environment may be called so.
    """
    if not is_name(name):
        raise invalid(name=NAME_RULE)
    return ensure_environment(call.session, project, name)


def _find(call: Call, at_least: Level) -> Environment:
    project = call.project(at_least)
    number = call.number("environment_id", "Environment")
    found = call.session.scalar(
        select(Environment).where(Environment.project_id == project.id, Environment.id == number)
    )
    if found is None:
        raise not_found("Environment")
    return found


def _apply(call: Call, environment: Environment, params: EnvironmentSettings) -> None:
    given = params.given("name")
    if url := given.get("external_url"):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise invalid(external_url="is blocked: Only allowed schemes are http, https")
    if number := given.get("cluster_agent_id"):
        agent = call.session.get(Agent, number)
        if agent is None:
            raise rejected(
                400, "400 Bad request - cluster agent doesn't exist or cannot be associated with this environment"
            )
    for name, value in given.items():
        if value is not None or name not in ("tier", "auto_stop_setting"):
            setattr(environment, name, value)
    if environment.kubernetes_namespace and environment.cluster_agent_id is None:
        raise invalid(kubernetes_namespace="cannot be set without a cluster agent")
    if environment.flux_resource_path and not environment.kubernetes_namespace:
        raise invalid(flux_resource_path="cannot be set without a kubernetes namespace")
