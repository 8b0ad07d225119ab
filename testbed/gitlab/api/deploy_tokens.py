"""Deploy tokens of groups and projects."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import missing, parameter_error
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import CommaSeparated, Instant, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.core.tokens import digest, generate
from testbed.gitlab.store import Container, DeployToken, Project

__all__ = ["routes"]

routes = Routes(anonymous=False)

SCOPES = frozenset(
    {
        "read_package_registry",
        "read_registry",
        "read_repository",
        "read_virtual_registry",
        "write_package_registry",
        "write_registry",
        "write_virtual_registry",
    }
)


class CreateDeployToken(Params):
    """POST .../deploy_tokens."""

    name: NotEmpty
    scopes: CommaSeparated
    username: str | None = None
    expires_at: Instant | None = None


class ListDeployTokens(Params):
    """GET .../deploy_tokens."""

    active: bool | None = None


def deploy_token_entity(token: DeployToken, secret: str | None = None) -> dict[str, Any]:
    """A deploy token; its secret is shown once, when it was just made."""
    return {
        "id": token.id,
        "name": token.name,
        "username": token.username,
        "expires_at": token.expires_at,
        "scopes": token.scopes,
        "revoked": token.revoked,
        "expired": token.expired,
        **({"token": secret} if secret else {}),
    }


@routes.get("/deploy_tokens")
def list_all_deploy_tokens(call: Call, params: ListDeployTokens) -> Page:
    """The deploy tokens of the whole instance, for administrators."""
    call.need_admin()
    rows = call.session.scalars(select(DeployToken).order_by(DeployToken.id))
    return call.page_of(_selected(list(rows), params), deploy_token_entity)


@routes.get("/:container/deploy_tokens")
def list_deploy_tokens(call: Call, params: ListDeployTokens) -> Page:
    """The deploy tokens."""
    rows = call.session.scalars(select(DeployToken).where(DeployToken.of(_managed(call))).order_by(DeployToken.id))
    return call.page_of(_selected(list(rows), params), deploy_token_entity)


@routes.get("/:container/deploy_tokens/{token_id}")
def get_deploy_token(call: Call) -> dict[str, Any]:
    """One deploy token."""
    return deploy_token_entity(_find(call))


@routes.post("/:container/deploy_tokens")
def create_deploy_token(call: Call, params: CreateDeployToken) -> dict[str, Any]:
    """Make a deploy token."""
    container = _managed(call)
    if not params.scopes or not SCOPES.issuperset(params.scopes):
        raise parameter_error("scopes does not have a valid value")
    secret = generate("gldt-")
    owner = {"project" if isinstance(container, Project) else "namespace": container}
    token = DeployToken(
        name=params.name,
        username=params.username or "",
        digest=digest(secret),
        scopes=sorted(params.scopes),
        expires_at=params.expires_at,
        **owner,
    )
    call.add(token)
    token.username = token.username or f"gitlab+deploy-token-{token.id}"
    return deploy_token_entity(token, secret)


@routes.delete("/:container/deploy_tokens/{token_id}")
def delete_deploy_token(call: Call) -> None:
    """Remove a deploy token."""
    call.session.delete(_find(call))


def _managed(call: Call) -> Container:
    return call.container(Level.OWNER if call.kind == "groups" else Level.MAINTAINER)


def _selected(rows: list[DeployToken], params: ListDeployTokens) -> list[DeployToken]:
    if params.active is None:
        return rows
    moment = now()
    return [
        row
        for row in rows
        if params.active == (not row.revoked and (row.expires_at is None or row.expires_at > moment))
    ]


def _find(call: Call) -> DeployToken:
    number = call.number("token_id", "Deploy token")
    found = call.session.scalar(select(DeployToken).where(DeployToken.of(_managed(call)), DeployToken.id == number))
    if found is None:
        raise missing()
    return found
