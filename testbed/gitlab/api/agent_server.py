"""What the agent server asks GitLab: which agent a token is of, and whether somebody may use an agent."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import select

from testbed.gitlab.agent_access import opens_to_user
from testbed.gitlab.core.actor import authenticate
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import forbidden, not_found, unauthorized
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.core.tokens import digest
from testbed.gitlab.store import Agent, AgentToken

__all__ = ["AGENT_HEADER", "SERVER_HEADER", "routes"]

routes = Routes(anonymous=False)

SERVER_HEADER = "gitlab-kas-api-request"
"""By which the agent server proves itself. GitLab wants a JWT here that is signed with the shared secret; the double
takes the secret itself, as both run on one machine."""
AGENT_HEADER = "gitlab-agent-api-request"
"""The token of the agent that the agent server asks for."""

USE_NOTED_EVERY = timedelta(minutes=1)
"""An agent that stays calls all the time; writing each time would keep other writers waiting."""


class AuthorizeProxyUser(Params):
    """POST internal/kubernetes/authorize_proxy_user."""

    agent_id: int
    access_type: Literal["personal_access_token"]
    access_key: NotEmpty


@routes.machine("GET", "/internal/kubernetes/agent_info", status=200)
def agent_info(call: Call) -> dict[str, Any]:
    """The agent whose active token was sent; that it called is noted."""
    _check_server(call)
    sent = digest(call.headers.get(AGENT_HEADER, ""))
    token = call.session.scalar(select(AgentToken).where(AgentToken.digest == sent, AgentToken.status == "active"))
    agent = call.session.get(Agent, token.agent_id) if token is not None else None
    if token is None or agent is None:
        raise unauthorized()
    if token.last_used_at is None or now() - token.last_used_at > USE_NOTED_EVERY:
        with call.forge.database.write() as session:
            found = session.get(AgentToken, token.id)
            if found is not None:
                found.last_used_at = now()
    return {
        "project_id": agent.project_id,
        "agent_id": agent.id,
        "agent_name": agent.name,
        "default_branch": agent.project.default_branch,
    }


@routes.machine("POST", "/internal/kubernetes/authorize_proxy_user", status=200)
def authorize_proxy_user(call: Call, params: AuthorizeProxyUser) -> dict[str, Any]:
    """Whether the owner of a personal token may use an agent, and as whom."""
    _check_server(call)
    actor = authenticate(call.session, params.access_key)
    actor.require("k8s_proxy")
    if actor.user is None or actor.token is None:
        raise unauthorized()
    agent = call.session.get(Agent, params.agent_id)
    if agent is None:
        raise not_found("Agent")
    if not opens_to_user(call.forge, call.session, agent, actor.user):
        raise forbidden()
    return {
        "agent": {"id": agent.id, "config_project": {"id": agent.project_id}},
        "user": {"id": actor.user.id, "username": actor.user.username},
        "access_as": {"agent": {}},
    }


def _check_server(call: Call) -> None:
    file = call.forge.settings.kas_secret
    sent = call.headers.get(SERVER_HEADER, "")
    if file is None or not secrets.compare_digest(file.read_text().strip().encode(), sent.encode()):
        raise unauthorized()
