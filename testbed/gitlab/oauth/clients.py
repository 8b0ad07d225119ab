"""Which application a program is that calls, and whether it is."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

from sqlalchemy.orm import Session

from testbed.gitlab.core.tokens import digest
from testbed.gitlab.oauth.asking import application_of
from testbed.gitlab.oauth.refusals import OAuthError
from testbed.gitlab.store import Application

__all__ = ["client_of", "credentials"]


def credentials(header: str, sent: Mapping[str, str]) -> tuple[str, str] | None:
    """Name and secret: of basic authentication, or else among the parameters; nothing: neither is there."""
    kind, _, value = header.partition(" ")
    if kind.lower() == "basic":
        try:
            name, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            return "", ""
        return name, secret
    if "client_id" in sent:
        return sent["client_id"], sent.get("client_secret", "")
    return None


def client_of(session: Session, found: tuple[str, str] | None) -> Application:
    """The application that these are the credentials of.

    Raises:
        OAuthError: ``invalid_client``, whatever is wrong with them.
    """
    name, secret = found or ("", "")
    application = application_of(session, name)
    if application is None:
        raise OAuthError("invalid_client")
    nothing_to_prove = not secret and not application.confidential
    if not nothing_to_prove and not hmac.compare_digest(digest(secret), application.secret_digest):
        raise OAuthError("invalid_client")
    return application
