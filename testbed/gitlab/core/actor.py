"""Who makes a request, and what the token allows."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.errors import forbidden, insufficient_scope, invalid_token, unauthorized
from testbed.gitlab.core.job_tokens import JOB_TOKEN_PREFIX, running_job
from testbed.gitlab.core.tokens import digest
from testbed.gitlab.store import AccessToken, DeployToken, Job, OAuthToken, User

__all__ = ["ANONYMOUS", "Actor", "authenticate", "authenticate_basic", "token_of_headers"]


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Somebody, or nobody, with a token's scopes."""

    user: User | None = None
    token: AccessToken | None = None
    deploy_token: DeployToken | None = None
    job: Job | None = None
    """The running job whose token was sent: its user acts, within the token's reach."""
    oauth_token: OAuthToken | None = None
    """The token of an application, for which its user acts."""

    @property
    def scopes(self) -> frozenset[str]:
        """What the token was made for."""
        source = self._scoped
        return frozenset(source.scopes) if source else frozenset()

    @property
    def limited(self) -> bool:
        """Whether scopes say what the token is good for: a job's has none, and nobody has no token."""
        return self._scoped is not None

    @property
    def admin(self) -> bool:
        """Whether everything is allowed."""
        return self.user is not None and self.user.admin and self.job is None

    def require(self, *scopes: str) -> None:
        """Demand one of these scopes of whoever has a token.

        Raises:
            ApiError: 403 insufficient_scope.
        """
        if self.limited and not self.scopes.intersection(scopes):
            raise insufficient_scope(scopes)

    @property
    def _scoped(self) -> AccessToken | DeployToken | OAuthToken | None:
        return self.token or self.deploy_token or self.oauth_token


ANONYMOUS = Actor()
"""A request without a token."""

JOB_USERNAME = "gitlab-ci-token"
"""The name that goes with a job token."""


def token_of_headers(headers: Collection[tuple[str, str]]) -> str | None:
    """The token in ``PRIVATE-TOKEN`` or ``JOB-TOKEN``, or a bearer token."""
    for name, value in headers:
        if name in ("private-token", "job-token"):
            return value
        if name == "authorization" and value[:7].lower() == "bearer ":
            return value[7:].strip()
    return None


def authenticate(session: Session, token: str | None) -> Actor:
    """Find out who sent a token.

    Raises:
        ApiError: 401 for a token that is unknown, revoked or expired, or whose job does not run; 403 for a blocked
            user.
    """
    if not token:
        return ANONYMOUS
    if token.startswith(JOB_TOKEN_PREFIX):
        return _job_actor(session, token)
    found = session.scalar(select(AccessToken).where(AccessToken.digest == digest(token))) or session.scalar(
        select(OAuthToken).where(OAuthToken.digest == digest(token))
    )
    if found is None:
        return Actor(deploy_token=_deploy_token(session, token))
    if found.revoked:
        raise invalid_token("Token was revoked. You have to re-authorize from the user.")
    if found.expired:
        raise invalid_token("Token is expired. You can either do re-authorization or token refresh.")
    if found.user.state != "active":
        raise forbidden("Your account has been blocked.")
    if isinstance(found, OAuthToken):
        return Actor(user=found.user, oauth_token=found)
    return Actor(user=found.user, token=found)


def authenticate_basic(session: Session, header: str) -> Actor:
    """Find out whose token is the password of basic authentication, or a bearer token.

    The name beside it matters for deploy and job tokens alone.

    Raises:
        ApiError: as `authenticate`, and 401 for a header that cannot be read or a name that does not go with the token.
    """
    kind, _, value = header.partition(" ")
    if not value:
        return ANONYMOUS
    try:
        basic = base64.b64decode(value).decode() if kind.lower() == "basic" else f":{value}"
    except (binascii.Error, UnicodeDecodeError):
        raise unauthorized() from None
    name, _, password = basic.partition(":")
    actor = authenticate(session, password)
    if actor.deploy_token is not None and name != actor.deploy_token.username:
        raise unauthorized()
    if actor.job is not None and name != JOB_USERNAME:
        raise unauthorized()
    return actor


def _job_actor(session: Session, token: str) -> Actor:
    job = running_job(session, token)
    if job is None or job.user is None:
        raise unauthorized()
    if job.user.state != "active":
        raise forbidden("Your account has been blocked.")
    return Actor(user=job.user, job=job)


def _deploy_token(session: Session, token: str) -> DeployToken:
    found = session.scalar(select(DeployToken).where(DeployToken.digest == digest(token)))
    if found is None or found.revoked or found.expired:
        raise unauthorized()
    return found
