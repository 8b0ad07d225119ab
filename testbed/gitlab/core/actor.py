"""Who makes a request, and what the token allows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.errors import forbidden, insufficient_scope, invalid_token, unauthorized
from testbed.gitlab.core.tokens import digest
from testbed.gitlab.store import AccessToken, DeployToken, User

__all__ = ["ANONYMOUS", "Actor", "authenticate", "token_of_headers"]


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Somebody, or nobody, with a token's scopes."""

    user: User | None = None
    token: AccessToken | None = None
    deploy_token: DeployToken | None = None

    @property
    def scopes(self) -> frozenset[str]:
        """What the token was made for."""
        source = self.token or self.deploy_token
        return frozenset(source.scopes) if source else frozenset()

    @property
    def admin(self) -> bool:
        """Whether everything is allowed."""
        return self.user is not None and self.user.admin

    def require(self, *scopes: str) -> None:
        """Demand one of these scopes of whoever has a token.

        Raises:
            ApiError: 403 insufficient_scope.
        """
        if (self.token or self.deploy_token) and not self.scopes.intersection(scopes):
            raise insufficient_scope(scopes)


ANONYMOUS = Actor()
"""A request without a token."""


def token_of_headers(headers: Collection[tuple[str, str]]) -> str | None:
    """The token in ``PRIVATE-TOKEN``, or a bearer token."""
    for name, value in headers:
        if name == "private-token":
            return value
        if name == "authorization" and value[:7].lower() == "bearer ":
            return value[7:].strip()
    return None


def authenticate(session: Session, token: str | None) -> Actor:
    """Find out who sent a token.

    Raises:
        ApiError: 401 for a token that is unknown, revoked or expired, 403 for a blocked user.
    """
    if not token:
        return ANONYMOUS
    found = session.scalar(select(AccessToken).where(AccessToken.digest == digest(token)))
    if found is None:
        return Actor(deploy_token=_deploy_token(session, token))
    if found.revoked:
        raise invalid_token("Token was revoked. You have to re-authorize from the user.")
    if found.expired:
        raise invalid_token("Token is expired. You can either do re-authorization or token refresh.")
    if found.user.state != "active":
        raise forbidden("Your account has been blocked.")
    return Actor(user=found.user, token=found)


def _deploy_token(session: Session, token: str) -> DeployToken:
    found = session.scalar(select(DeployToken).where(DeployToken.digest == digest(token)))
    if found is None or found.revoked or found.expired:
        raise unauthorized()
    return found
