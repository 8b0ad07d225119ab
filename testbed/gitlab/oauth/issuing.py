"""Codes and tokens: how they are made, exchanged, replaced and ended."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.clock import now
from testbed.gitlab.core.tokens import digest
from testbed.gitlab.oauth.asking import Asked
from testbed.gitlab.oauth.pkce import proves
from testbed.gitlab.oauth.refusals import OAuthError, missing_parameter
from testbed.gitlab.oauth.scopes import split
from testbed.gitlab.store import Application, AuthorizationCode, OAuthToken, User

__all__ = ["CODE_LIFE", "TOKEN_LIFE", "Issued", "allowed_before", "exchange", "find", "make_code", "refresh"]

CODE_LIFE = timedelta(minutes=10)
"""Doorkeeper's default, which GitLab keeps."""

TOKEN_LIFE = timedelta(hours=2)
"""As GitLab's setting ``access_token_expires_in``."""


@dataclass(frozen=True)
class Issued:
    """A token with the secrets that only its application learns."""

    token: OAuthToken
    access_token: str
    refresh_token: str
    nonce: str | None
    """What the application sent along, for it to find in the ID token."""


def make_code(session: Session, asked: Asked, user: User) -> str:
    """A code for what a visitor allowed."""
    code = _secret()
    session.add(
        AuthorizationCode(
            application_id=asked.application.id,
            user_id=user.id,
            digest=digest(code),
            redirect_uri=asked.redirect_uri,
            scopes=asked.scopes,
            nonce=asked.parameters.get("nonce"),
            challenge=asked.challenge,
            challenge_method=asked.challenge_method,
            expires_at=now() + CODE_LIFE,
        )
    )
    return code


def allowed_before(session: Session, asked: Asked, user: User) -> bool:
    """Whether the visitor allowed an application just this, and it still has a token of it.

    As in GitLab not for an application without a secret: any program could say that it is that one.
    """
    if not asked.application.confidential:
        return False
    kept = select(OAuthToken).where(
        OAuthToken.application_id == asked.application.id,
        OAuthToken.user_id == user.id,
        OAuthToken.revoked_at.is_(None),
    )
    return any(set(token.scopes) == set(asked.scopes) for token in session.scalars(kept))


def exchange(session: Session, application: Application, sent: Mapping[str, str]) -> Issued:
    """A token for a code, once. Whoever brings a code again has stolen it, or was stolen from: the token is revoked.

    Raises:
        OAuthError: the caller keeps what was changed until then.
    """
    for name in ("code", "redirect_uri"):
        if not sent.get(name):
            raise missing_parameter(name)
    code = session.scalar(select(AuthorizationCode).where(AuthorizationCode.digest == digest(sent["code"])))
    if code is None or code.application_id != application.id:
        raise OAuthError("invalid_grant")
    if code.used_at is not None:
        for token in session.scalars(select(OAuthToken).where(OAuthToken.code_id == code.id)):
            token.revoke()
        raise OAuthError("invalid_grant")
    if code.challenge and not sent.get("code_verifier"):
        raise missing_parameter("code_verifier")
    if (
        code.expired
        or code.redirect_uri != sent["redirect_uri"]
        or not proves(code.challenge, code.challenge_method, sent.get("code_verifier"))
        or code.user.state != "active"
    ):
        raise OAuthError("invalid_grant")
    code.used_at = now()
    return _issue(session, application, code.user, code.scopes, code_id=code.id, nonce=code.nonce)


def refresh(session: Session, application: Application, sent: Mapping[str, str]) -> Issued:
    """A new token, and a new refresh token, for a refresh token; both old ones end.

    Raises:
        OAuthError: when the refresh token is no good, or is asked for more than it has.
    """
    if not sent.get("refresh_token"):
        raise missing_parameter("refresh_token")
    old = session.scalar(select(OAuthToken).where(OAuthToken.refresh_digest == digest(sent["refresh_token"])))
    if old is None or old.revoked or old.application_id != application.id or old.user.state != "active":
        raise OAuthError("invalid_grant")
    scopes = split(sent.get("scope", "")) or old.scopes
    if not set(scopes).issubset(old.scopes):
        raise OAuthError("invalid_scope")
    old.revoke()
    return _issue(session, application, old.user, scopes, code_id=old.code_id)


def find(session: Session, secret: str) -> OAuthToken | None:
    """The token that an access token or a refresh token belongs to."""
    known = digest(secret)
    return session.scalar(select(OAuthToken).where((OAuthToken.digest == known) | (OAuthToken.refresh_digest == known)))


def _issue(
    session: Session,
    application: Application,
    user: User,
    scopes: list[str],
    *,
    code_id: int | None,
    nonce: str | None = None,
) -> Issued:
    access_token, refresh_token = _secret(), _secret()
    token = OAuthToken(
        application=application,
        user=user,
        code_id=code_id,
        digest=digest(access_token),
        refresh_digest=digest(refresh_token),
        scopes=scopes,
        expires_at=now() + TOKEN_LIFE,
    )
    session.add(token)
    session.flush()
    return Issued(token, access_token, refresh_token, nonce)


def _secret() -> str:
    """Codes and tokens look as GitLab's: 64 hexadecimal digits."""
    return secrets.token_hex(32)
