"""Who visits: sessions are opened by a personal access token and last as long as the token does."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from testbed.files import write_private
from testbed.gitlab.core.actor import ANONYMOUS, Actor, authenticate
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import ApiError
from testbed.gitlab.store import AccessToken

__all__ = ["READING", "SESSION_SECONDS", "genuine", "sign_in", "signing_key", "visitor"]

SESSION_SECONDS = 12 * 3600

READING = ("api", "read_api")
"""Scopes of which a token needs one to open the page."""


def signing_key(file: Path) -> str:
    """The key that cookies are signed with, made at the first start and readable by its owner alone."""
    if not file.exists():
        write_private(file, secrets.token_hex(32))
    return file.read_text()


def visitor(session: Session, cookie: dict[str, Any]) -> Actor:
    """Whoever signed in, if the token still opens the page."""
    number = cookie.get("token")
    token = session.get(AccessToken, number) if number is not None else None
    if token is None or not token.active or token.user.state != "active":
        cookie.pop("token", None)
        return ANONYMOUS
    return Actor(user=token.user, token=token)


def sign_in(session: Session, cookie: dict[str, Any], token: str) -> str | None:
    """Open a session.

    Args:
        session: a writing session.
        cookie: what the browser keeps; it begins anew, so that nobody can plant one.
        token: what the visitor typed.

    Returns:
        Why not, in a sentence for the visitor, or nothing.
    """
    try:
        actor = authenticate(session, token)
    except ApiError:
        return "This token is unknown, has expired, was revoked, or its user is blocked."
    if actor.token is None:
        return "This is not a personal access token; only those open the page."
    if not actor.scopes.intersection(READING):
        return f"This token was not made for reading; it needs one of the scopes {' and '.join(READING)}."
    actor.token.last_used_at = now()
    cookie.clear()
    cookie["token"] = actor.token.id
    return None


def genuine(cookie: dict[str, Any], word: str) -> bool:
    """Whether a form was sent from a page of this session."""
    expected = cookie.get("csrf")
    return isinstance(expected, str) and hmac.compare_digest(expected.encode(), word.encode())
