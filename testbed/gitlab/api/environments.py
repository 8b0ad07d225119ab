"""Environments."""

from __future__ import annotations

import re
import secrets
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import select

from testbed.gitlab.api.agents import agent_entity
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import forbidden, invalid, not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Instant, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Agent, Environment, Project

__all__ = ["ensure_environment", "environment_entity", "routes"]

routes = Routes(anonymous=False)

Tier = Literal["production", "staging", "testing", "development", "other"]

_NAME = re.compile(r"[a-zA-Z0-9_\\$.{} -]([a-zA-Z0-9_\\/$.{} -]*[a-zA-Z0-9_\\$.{} -])?")
_NAME_RULE = (
    "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, "
    "but it cannot start or end with '/'"
)

# What a name says about the tier when nobody says it, in this order.
_TIERS: tuple[tuple[Tier, str], ...] = (
    ("development", r"(dev|review|trunk)"),
    ("testing", r"(test|tst|int|ac(ce|)pt|qa|qc|control|quality)"),
    ("staging", r"(st(a|)g|mod(e|)l|pre|demo|non)"),
    ("production", r"(pr(o|)d|live)"),
)


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


def environment_entity(environment: Environment) -> dict[str, Any]:
    """An environment."""
    agent = environment.cluster_agent
    return {
        "id": environment.id,
        "name": environment.name,
        "slug": environment.slug,
        "description": environment.description,
        "external_url": environment.external_url,
        "created_at": environment.created_at,
        "updated_at": environment.updated_at,
        "tier": environment.tier,
        "state": environment.state,
        "auto_stop_at": environment.auto_stop_at,
        "auto_stop_setting": environment.auto_stop_setting,
        "kubernetes_namespace": environment.kubernetes_namespace,
        "flux_resource_path": environment.flux_resource_path,
        "cluster_agent": agent_entity(agent) if agent is not None else None,
    }


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
    return {**environment_entity(_find(call, Level.REPORTER)), "last_deployment": None}


@routes.post("/projects/{id}/environments")
def create_environment(call: Call, params: CreateEnvironment) -> dict[str, Any]:
    """Create an environment."""
    project = call.project(Level.DEVELOPER)
    same = select(Environment.id).where(Environment.project_id == project.id, Environment.name == params.name)
    if call.session.scalar(same) is not None:
        raise invalid(name="has already been taken")
    environment = ensure_environment(call, project, params.name)
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
    """Stop an environment; there is no action to run, so force changes nothing."""
    _ = params
    environment = _find(call, Level.DEVELOPER)
    environment.state = "stopped"
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
        environment.state = "stopped"
    return {"message": "Successfully requested stop for all stale environments"}


def ensure_environment(call: Call, project: Project, name: str) -> Environment:
    """The environment with a name, made when it is new."""
    if len(name) > 255 or not _NAME.fullmatch(name):
        raise invalid(name=_NAME_RULE)
    same = select(Environment).where(Environment.project_id == project.id, Environment.name == name)
    found = call.session.scalar(same)
    if found is not None:
        return found
    return call.add(Environment(project_id=project.id, name=name, slug=_slug(name), tier=_tier(name)))


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


def _slug(name: str) -> str:
    """A name for host names: at most 24 characters; told apart by a random end when it had to be changed."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not plain or not plain[0].isalpha():
        plain = f"env-{plain}"
    if plain == name and len(plain) <= 24:
        return plain
    return f"{plain[:17].strip('-')}-{secrets.token_hex(3)}"


def _tier(name: str) -> Tier:
    for tier, pattern in _TIERS:
        if re.search(pattern, name, re.IGNORECASE):
            return tier
    return "other"
