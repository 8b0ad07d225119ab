"""Access tokens of projects and groups: each belongs to a bot user of its own."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import select

from testbed.gitlab.api.access_tokens import (
    CreateToken,
    ListTokens,
    RotateToken,
    filtered,
    issue,
    rotate,
    token_entity,
)
from testbed.gitlab.api.users import add_user
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import bad_request, not_found, parameter_error, unauthorized
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import AccessToken, Container, Member, Project, User

__all__ = ["routes"]

routes = Routes(anonymous=False)

SCOPES = frozenset(
    {
        "ai_features",
        "api",
        "create_runner",
        "k8s_proxy",
        "manage_runner",
        "read_api",
        "read_registry",
        "read_repository",
        "self_rotate",
        "write_registry",
        "write_repository",
    }
)
LEVELS = (Level.GUEST, Level.PLANNER, Level.REPORTER, Level.DEVELOPER, Level.MAINTAINER, Level.OWNER)


class CreateResourceToken(CreateToken):
    """POST .../access_tokens."""

    access_level: int = Level.MAINTAINER


@routes.get("/:container/access_tokens")
def list_tokens(call: Call, params: ListTokens) -> Page:
    """The tokens, used up ones too."""
    container = _managed(call)
    statement = select(AccessToken).where(AccessToken.user_id.in_(_bots(call, container)))
    return call.page(filtered(statement, params), AccessToken.id, lambda row: _entity(call, container, row))


@routes.get("/:container/access_tokens/{token_id}")
def get_token(call: Call) -> dict[str, Any]:
    """One token."""
    container = _managed(call)
    return _entity(call, container, _find(call, container))


@routes.post("/:container/access_tokens")
def create_token(call: Call, params: CreateResourceToken) -> dict[str, Any]:
    """Make a bot user, a member here, and its token."""
    container = call.container()
    kind = _kind(container)
    if call.user.bot or call.level(container) < _least(container):
        raise bad_request(f"User does not have permission to create {kind} access token")
    if not params.scopes or not SCOPES.issuperset(params.scopes):
        raise parameter_error("scopes does not have a valid value")
    if params.access_level not in LEVELS:
        raise parameter_error("access_level does not have a valid value")
    if params.access_level > call.level(container):
        raise bad_request("Access level of the token can't be greater than the access level of the user who created it")
    bot = _new_bot(call, container, params.name)
    owner = {"project" if isinstance(container, Project) else "namespace": container}
    call.add(Member(user=bot, access_level=Level(params.access_level), created_by=call.user, **owner))
    token, secret = issue(call, bot, params)
    return _entity(call, container, token, secret)


@routes.post("/:container/access_tokens/{token_id}/rotate", status=200)
def rotate_token(call: Call, params: RotateToken) -> dict[str, Any]:
    """Replace a token; the bot user stays."""
    container = call.container()
    own = call.actor.token is not None and str(call.actor.token.id) == call.path["token_id"]
    if not own and call.level(container) < _least(container):
        raise unauthorized()
    token, secret = rotate(call, _find(call, container), params.expires_at)
    return _entity(call, container, token, secret)


@routes.delete("/:container/access_tokens/{token_id}")
def revoke_token(call: Call) -> None:
    """Make a token useless and end its bot's membership."""
    container = call.container()
    if call.level(container) < _least(container):
        raise bad_request(f"{call.user.username} cannot delete {call.path['token_id']}")
    token = _find(call, container)
    token.revoke()
    for member in call.session.scalars(select(Member).where(Member.user_id == token.user_id)):
        call.session.delete(member)


def _kind(container: Container) -> str:
    return "project" if isinstance(container, Project) else "group"


def _least(container: Container) -> Level:
    return Level.MAINTAINER if isinstance(container, Project) else Level.OWNER


def _managed(call: Call) -> Container:
    container = call.container()
    if call.level(container) < _least(container):
        raise unauthorized()
    return container


def _prefix(container: Container) -> str:
    return f"{_kind(container)}_{container.id}_bot_"


def _bots(call: Call, container: Container) -> list[int]:
    """The bot users, found by name as their membership ends with the token."""
    matching = select(User.id).where(User.bot, User.username.startswith(_prefix(container), autoescape=True))
    return list(call.session.scalars(matching))


def _new_bot(call: Call, container: Container, name: str) -> User:
    username = _prefix(container) + secrets.token_hex(16)
    email = f"{username}@noreply.{call.forge.settings.host.partition(':')[0]}"
    return add_user(call, User(username=username, name=name, email=email, bot=True))


def _find(call: Call, container: Container) -> AccessToken:
    found = call.session.get(AccessToken, call.number("token_id", f"{_kind(container)} Access Token"))
    if found is None or found.user_id not in _bots(call, container):
        raise not_found(f"{_kind(container)} Access Token")
    return found


def _entity(call: Call, container: Container, token: AccessToken, secret: str | None = None) -> dict[str, Any]:
    member = call.session.scalar(select(Member).where(Member.of(container), Member.user_id == token.user_id))
    return {
        **token_entity(token, secret),
        "access_level": member.access_level if member else None,
        "resource_type": _kind(container),
        "resource_id": container.id,
    }
