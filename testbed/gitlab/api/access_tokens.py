"""Making, showing and rotating access tokens: what personal, project and group access tokens share."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

from sqlalchemy import Select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import today
from testbed.gitlab.core.errors import bad_request, invalid
from testbed.gitlab.core.params import CommaSeparated, NotEmpty, Params
from testbed.gitlab.core.tokens import digest, generate
from testbed.gitlab.store import AccessToken, User

__all__ = ["CreateToken", "ListTokens", "RotateToken", "filtered", "issue", "rotate", "token_entity"]

LONGEST_LIFE = timedelta(days=365)
LIFE_AFTER_ROTATION = timedelta(days=7)


class ListTokens(Params):
    """GET of a list of tokens."""

    revoked: bool | None = None
    state: Literal["active", "inactive"] | None = None
    search: str | None = None
    user_id: int | None = None


class CreateToken(Params):
    """What the creation of a token takes."""

    name: NotEmpty
    scopes: CommaSeparated
    description: str | None = None
    expires_at: date | None = None


class RotateToken(Params):
    """POST .../rotate."""

    expires_at: date | None = None


def token_entity(token: AccessToken, secret: str | None = None) -> dict[str, Any]:
    """A token; its secret is shown once, when it was just made."""
    return {
        "id": token.id,
        "name": token.name,
        "revoked": token.revoked,
        "created_at": token.created_at,
        "description": token.description,
        "scopes": token.scopes,
        "user_id": token.user_id,
        "last_used_at": token.last_used_at,
        "active": token.active,
        "expires_at": token.expires_at,
        **({"token": secret} if secret else {}),
    }


def filtered(statement: Select[AccessToken], params: ListTokens) -> Select[AccessToken]:
    """Apply the filters that all lists of tokens know."""
    usable = AccessToken.revoked.is_(False) & (AccessToken.expires_at.is_(None) | (AccessToken.expires_at > today()))
    if params.revoked is not None:
        statement = statement.where(AccessToken.revoked.is_(params.revoked))
    if params.state is not None:
        statement = statement.where(usable if params.state == "active" else ~usable)
    if params.search:
        statement = statement.where(AccessToken.name.icontains(params.search, autoescape=True))
    return statement.order_by(AccessToken.id.desc())


def issue(call: Call, user: User, params: CreateToken) -> tuple[AccessToken, str]:
    """Make a token for a user; the secret is known only to the caller."""
    secret = generate("glpat-")
    token = AccessToken(
        user=user,
        name=params.name,
        description=params.description,
        digest=digest(secret),
        scopes=params.scopes,
        expires_at=_last_day(params.expires_at, LONGEST_LIFE),
    )
    return call.add(token), secret


def rotate(call: Call, old: AccessToken, expires_at: date | None) -> tuple[AccessToken, str]:
    """Revoke a token and make its successor.

    Whoever rotates a revoked token has stolen it, or was stolen from; so its successors are revoked too.
    """
    if old.revoked:
        _revoke_successors(old)
        raise bad_request("token already revoked").keeping_changes()
    secret = generate("glpat-")
    new = AccessToken(
        user=old.user,
        name=old.name,
        description=old.description,
        digest=digest(secret),
        scopes=old.scopes,
        expires_at=_last_day(expires_at, LIFE_AFTER_ROTATION),
        previous_id=old.id,
    )
    old.revoke()
    return call.add(new), secret


def _revoke_successors(old: AccessToken) -> None:
    tokens = sorted(old.user.tokens, key=lambda token: token.id)
    family = {old.id}
    for token in tokens:
        if token.previous_id in family:
            family.add(token.id)
            token.revoke()


def _last_day(wanted: date | None, usual: timedelta) -> date:
    if wanted is None:
        return today() + usual
    if wanted <= today():
        raise invalid(expires_at="can't be in the past")
    latest = today() + LONGEST_LIFE
    if wanted > latest:
        raise invalid(expires_at=f"must be before {latest.isoformat()}")
    return wanted
