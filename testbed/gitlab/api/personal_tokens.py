"""Personal access tokens."""

from __future__ import annotations

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
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import bad_request, not_found, parameter_error, unauthorized
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import AccessToken, User

__all__ = ["SCOPES", "routes"]

routes = Routes(anonymous=False)

SCOPES = frozenset(
    {
        "admin_mode",
        "ai_features",
        "api",
        "create_runner",
        "k8s_proxy",
        "manage_runner",
        "read_api",
        "read_registry",
        "read_repository",
        "read_service_ping",
        "read_user",
        "read_virtual_registry",
        "self_rotate",
        "sudo",
        "write_registry",
        "write_repository",
        "write_virtual_registry",
    }
)


@routes.get("/personal_access_tokens")
def list_tokens(call: Call, params: ListTokens) -> Page:
    """One's own tokens; for administrators everybody's."""
    statement = select(AccessToken).join(User, AccessToken.user_id == User.id).where(User.bot.is_(False))
    if not call.user.admin and params.user_id not in (None, call.user.id):
        raise unauthorized()
    if not call.user.admin or params.user_id is not None:
        statement = statement.where(AccessToken.user_id == (params.user_id or call.user.id))
    return call.page(filtered(statement, params), AccessToken.id, token_entity)


@routes.get("/personal_access_tokens/self", scopes=tuple(SCOPES))
def get_own_token(call: Call) -> dict[str, Any]:
    """The token that the request was made with."""
    return token_entity(_own(call))


@routes.get("/personal_access_tokens/{token_id}")
def get_token(call: Call) -> dict[str, Any]:
    """One token."""
    return token_entity(_find(call))


@routes.post("/users/{user_id}/personal_access_tokens")
def create_token_for_user(call: Call, params: CreateToken) -> dict[str, Any]:
    """Make a token for somebody, as an administrator."""
    call.need_admin()
    user = call.session.get(User, call.number("user_id", "User"))
    if user is None:
        raise not_found("User")
    _check_scopes(params, SCOPES)
    return token_entity(*issue(call, user, params))


@routes.post("/user/personal_access_tokens")
def create_own_token(call: Call, params: CreateToken) -> dict[str, Any]:
    """Make a token for oneself, which can do little."""
    _check_scopes(params, frozenset({"k8s_proxy", "self_rotate"}))
    return token_entity(*issue(call, call.user, params))


@routes.post("/personal_access_tokens/self/rotate", status=200, scopes=("self_rotate",))
def rotate_own_token(call: Call, params: RotateToken) -> dict[str, Any]:
    """Replace the token that the request was made with."""
    return token_entity(*rotate(call, _own(call), params.expires_at))


@routes.post("/personal_access_tokens/{token_id}/rotate", status=200)
def rotate_token(call: Call, params: RotateToken) -> dict[str, Any]:
    """Replace a token."""
    return token_entity(*rotate(call, _find(call), params.expires_at))


@routes.delete("/personal_access_tokens/self", scopes=tuple(SCOPES))
def revoke_own_token(call: Call) -> None:
    """Make the token useless that the request was made with."""
    _own(call).revoke()


@routes.delete("/personal_access_tokens/{token_id}")
def revoke_token(call: Call) -> None:
    """Make a token useless."""
    _find(call).revoke()


def _own(call: Call) -> AccessToken:
    if call.actor.token is None:
        raise bad_request("This endpoint requires token type to be a personal access token")
    return call.actor.token


def _find(call: Call) -> AccessToken:
    found = call.session.get(AccessToken, call.number("token_id", "Token"))
    if found is None or (found.user_id != call.user.id and not call.user.admin):
        raise not_found() if call.user.admin else unauthorized()
    return found


def _check_scopes(params: CreateToken, allowed: frozenset[str]) -> None:
    if not params.scopes or not allowed.issuperset(params.scopes):
        raise parameter_error("scopes does not have a valid value")
