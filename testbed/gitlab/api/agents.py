"""Agents for Kubernetes and their tokens."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import bad_request, missing
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.core.tokens import digest, generate
from testbed.gitlab.store import Agent, AgentToken

__all__ = ["agent_entity", "routes"]

routes = Routes(anonymous=False)

MOST_TOKENS = 2

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME_RULE = "Name can contain only lowercase letters, digits, and '-', but cannot start or end with '-'"


class CreateAgent(Params):
    """POST projects/:id/cluster_agents."""

    name: NotEmpty


class CreateAgentToken(Params):
    """POST projects/:id/cluster_agents/:agent_id/tokens."""

    name: NotEmpty
    description: str | None = None


def agent_entity(agent: Agent) -> dict[str, Any]:
    """An agent with the project that configures it."""
    project = agent.project
    return {
        "id": agent.id,
        "name": agent.name,
        "config_project": {
            "id": project.id,
            "description": project.description,
            "name": project.name,
            "name_with_namespace": f"{project.namespace.full_name} / {project.name}",
            "path": project.path,
            "path_with_namespace": project.full_path,
            "created_at": project.created_at,
        },
        "created_at": agent.created_at,
        "created_by_user_id": agent.created_by_user_id,
        "is_receptive": False,
    }


@routes.get("/projects/{id}/cluster_agents")
def list_agents(call: Call) -> Page:
    """The agents that the project configures."""
    project = call.project(Level.DEVELOPER)
    return call.page(select(Agent).where(Agent.project_id == project.id).order_by(Agent.name), Agent.id, agent_entity)


@routes.get("/projects/{id}/cluster_agents/{agent_id}")
def get_agent(call: Call) -> dict[str, Any]:
    """One agent."""
    return agent_entity(_agent(call, Level.DEVELOPER))


@routes.post("/projects/{id}/cluster_agents")
def create_agent(call: Call, params: CreateAgent) -> dict[str, Any]:
    """Register an agent."""
    project = call.project(Level.MAINTAINER)
    if not _NAME.fullmatch(params.name):
        raise bad_request(f'["{_NAME_RULE}"]')
    same = select(Agent.id).where(Agent.project_id == project.id, Agent.name == params.name)
    if call.session.scalar(same) is not None:
        raise bad_request('["Name has already been taken"]')
    return agent_entity(call.add(Agent(project=project, name=params.name, created_by_user_id=call.user.id)))


@routes.delete("/projects/{id}/cluster_agents/{agent_id}")
def delete_agent(call: Call) -> None:
    """Remove an agent with its tokens."""
    call.session.delete(_agent(call, Level.MAINTAINER))


@routes.get("/projects/{id}/cluster_agents/{agent_id}/tokens")
def list_agent_tokens(call: Call) -> Page:
    """The active tokens."""
    agent = _agent(call, Level.DEVELOPER)
    statement = select(AgentToken).where(AgentToken.agent_id == agent.id, AgentToken.status == "active")
    return call.page(statement.order_by(AgentToken.id.desc()), AgentToken.id, _token_basic)


@routes.get("/projects/{id}/cluster_agents/{agent_id}/tokens/{token_id}")
def get_agent_token(call: Call) -> dict[str, Any]:
    """One active token."""
    token = _token(call, _agent(call, Level.DEVELOPER))
    if token.status != "active":
        raise missing()
    return {**_token_basic(token), "last_used_at": token.last_used_at}


@routes.post("/projects/{id}/cluster_agents/{agent_id}/tokens")
def create_agent_token(call: Call, params: CreateAgentToken) -> dict[str, Any]:
    """Make a token; two may be active, so that one can replace the other without a break."""
    agent = _agent(call, Level.MAINTAINER)
    active = select(AgentToken.id).where(AgentToken.agent_id == agent.id, AgentToken.status == "active")
    if len(call.session.scalars(active).all()) >= MOST_TOKENS:
        raise bad_request("An agent can have only two active tokens at a time")
    secret = generate("glagent-", 50)
    token = AgentToken(
        agent_id=agent.id,
        name=params.name,
        description=params.description,
        digest=digest(secret),
        created_by_user_id=call.user.id,
    )
    return {**_token_basic(call.add(token)), "last_used_at": None, "token": secret}


@routes.delete("/projects/{id}/cluster_agents/{agent_id}/tokens/{token_id}")
def revoke_agent_token(call: Call) -> None:
    """Make a token useless."""
    _token(call, _agent(call, Level.MAINTAINER)).status = "revoked"


def _agent(call: Call, at_least: Level) -> Agent:
    project = call.project(at_least)
    number = call.number("agent_id", "Agent")
    found = call.session.scalar(select(Agent).where(Agent.project_id == project.id, Agent.id == number))
    if found is None:
        raise missing()
    return found


def _token(call: Call, agent: Agent) -> AgentToken:
    number = call.number("token_id", "Token")
    found = call.session.scalar(select(AgentToken).where(AgentToken.agent_id == agent.id, AgentToken.id == number))
    if found is None:
        raise missing()
    return found


def _token_basic(token: AgentToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "description": token.description,
        "agent_id": token.agent_id,
        "status": token.status,
        "created_at": token.created_at,
        "created_by_user_id": token.created_by_user_id,
    }
