"""What applications call by themselves: ``/oauth/token`` and the like. ``/oauth/authorize`` is a page for people."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from testbed.gitlab.core.clock import now
from testbed.gitlab.core.tokens import digest
from testbed.gitlab.forge import Forge
from testbed.gitlab.oauth import issuing
from testbed.gitlab.oauth.claims import id_claims, user_claims
from testbed.gitlab.oauth.clients import client_of, credentials
from testbed.gitlab.oauth.discovery import configuration
from testbed.gitlab.oauth.refusals import NO_STORE, OAuthError, missing_parameter
from testbed.gitlab.signing_key import SigningKey
from testbed.gitlab.store import OAuthToken

__all__ = ["routes"]

LIMIT = 16 * 1024
"""Bytes of a body; the longest one holds two tokens and an address."""

_Answer = Callable[[Session, str, Mapping[str, str]], dict[str, Any]]
"""Of a session, the header ``Authorization`` and the parameters."""


def routes(forge: Forge) -> list[Route]:
    """The addresses of one double."""
    desk = _Desk(forge)

    def endpoint(path: str, answer: _Answer, *methods: str) -> Route:
        async def serve(request: Request) -> Response:
            try:
                sent = await _parameters(request)
            except OAuthError as error:
                return error.response()
            return await run_in_threadpool(desk.serve, answer, request.headers.get("authorization", ""), sent)

        return Route(path, serve, methods=list(methods))

    return [
        endpoint("/oauth/token", desk.token, "POST"),
        endpoint("/oauth/revoke", desk.revoke, "POST"),
        endpoint("/oauth/introspect", desk.introspect, "POST"),
        endpoint("/oauth/token/info", desk.info, "GET"),
        endpoint("/oauth/userinfo", desk.userinfo, "GET", "POST"),
        endpoint("/oauth/discovery/keys", desk.keys, "GET"),
        endpoint("/.well-known/openid-configuration", desk.discovery, "GET"),
    ]


class _Desk:
    """Answers the applications of one double."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._making = threading.Lock()
        self._key: SigningKey | None = None

    def serve(self, answer: _Answer, header: str, sent: Mapping[str, str]) -> Response:
        """Run an endpoint in a transaction. A refusal keeps what it changed: a stolen code ends its tokens."""
        database = self._forge.database
        with database.write() if answer in (self.token, self.revoke) else database.read() as session:
            try:
                return JSONResponse(answer(session, header, sent), headers=NO_STORE)
            except OAuthError as error:
                return error.response()

    def token(self, session: Session, header: str, sent: Mapping[str, str]) -> dict[str, Any]:
        """A token for a code or a refresh token."""
        kinds = {"authorization_code": issuing.exchange, "refresh_token": issuing.refresh}
        if not sent.get("grant_type"):
            raise missing_parameter("grant_type")
        if sent["grant_type"] not in kinds:
            raise OAuthError("unsupported_grant_type")
        application = client_of(session, credentials(header, sent))
        issued = kinds[sent["grant_type"]](session, application, sent)
        answer = {
            "access_token": issued.access_token,
            "token_type": "Bearer",
            "expires_in": int(issuing.TOKEN_LIFE.total_seconds()),
            "refresh_token": issued.refresh_token,
            "scope": " ".join(issued.token.scopes),
            "created_at": int(issued.token.created_at.timestamp()),
        }
        if "openid" in issued.token.scopes:
            answer["id_token"] = self._signer().sign(id_claims(self._forge, session, issued))
        return answer

    def revoke(self, session: Session, header: str, sent: Mapping[str, str]) -> dict[str, Any]:
        """End a token; one that is not known has ended already. Anybody may end a token of a public client."""
        token = issuing.find(session, sent.get("token", ""))
        if token is None:
            return {}
        found = credentials(header, sent)
        owns = found is not None and client_of(session, found).id == token.application_id
        if token.application.confidential and not owns:
            raise OAuthError("unauthorized_client")
        token.revoke()
        return {}

    def introspect(self, session: Session, header: str, sent: Mapping[str, str]) -> dict[str, Any]:
        """What a token is good for, told to the application that it is of."""
        found = credentials(header, sent)
        asking = client_of(session, found) if found else self._bearer(session, header, {}).application
        secret = sent.get("token", "")
        token = issuing.find(session, secret)
        if token is None or token.application_id != asking.id:
            return {"active": False}
        refreshing = token.refresh_digest == digest(secret)
        if token.revoked or token.user.state != "active" or (token.expired and not refreshing):
            return {"active": False}
        answer = {
            "active": True,
            "scope": " ".join(token.scopes),
            "client_id": token.application.uid,
            "iat": int(token.created_at.timestamp()),
        }
        return answer if refreshing else answer | {"token_type": "Bearer", "exp": int(token.expires_at.timestamp())}

    def info(self, session: Session, header: str, sent: Mapping[str, str]) -> dict[str, Any]:
        """Whose token was sent, and for how long it is good; GitLab says some of it twice, for old clients."""
        try:
            token = self._bearer(session, header, sent)
        except OAuthError:
            raise OAuthError("invalid_request") from None
        left = int((token.expires_at - now()).total_seconds())
        return {
            "resource_owner_id": token.user_id,
            "scope": token.scopes,
            "expires_in": left,
            "application": {"uid": token.application.uid},
            "created_at": int(token.created_at.timestamp()),
            "scopes": token.scopes,
            "expires_in_seconds": left,
        }

    def userinfo(self, session: Session, header: str, sent: Mapping[str, str]) -> dict[str, Any]:
        """Who signed in."""
        token = self._bearer(session, header, sent)
        if "openid" not in token.scopes:
            raise OAuthError("insufficient_scope", 'Access to this resource requires scope "openid".')
        return user_claims(self._forge, session, token)

    def keys(self, _session: Session, _header: str, _sent: Mapping[str, str]) -> dict[str, Any]:
        """By which ID tokens are checked."""
        return {"keys": [self._signer().public]}

    def discovery(self, _session: Session, _header: str, _sent: Mapping[str, str]) -> dict[str, Any]:
        """Where everything is."""
        return configuration(self._forge)

    def _signer(self) -> SigningKey:
        """The key of ID tokens; it is made when it is first asked for, as that takes a while."""
        with self._making:
            self._key = self._key or SigningKey(self._forge.settings.data / "openid.key")
            return self._key

    @staticmethod
    def _bearer(session: Session, header: str, sent: Mapping[str, str]) -> OAuthToken:
        kind, _, value = header.partition(" ")
        secret = value.strip() if kind.lower() == "bearer" else sent.get("access_token", "")
        token = issuing.find(session, secret)
        if token is None or token.digest != digest(secret):
            raise OAuthError("invalid_token")
        if not token.active:
            said = "The access token was revoked" if token.revoked else "The access token expired"
            raise OAuthError("invalid_token", said if token.user.state == "active" else None)
        return token


async def _parameters(request: Request) -> dict[str, str]:
    """What was sent in the address and in the body, as a form or as JSON; the body wins."""
    sent = dict(request.query_params)
    if request.method != "POST":
        return sent
    if int(request.headers.get("content-length", LIMIT + 1)) > LIMIT:
        raise OAuthError("invalid_request", "The request is too large, or does not say how large it is.")
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            found = json.loads(await request.body() or b"{}")
        except ValueError:
            raise OAuthError("invalid_request") from None
        if not isinstance(found, dict):
            raise OAuthError("invalid_request")
        return sent | {name: value for name, value in found.items() if _readable(value)}
    async with request.form() as form:
        return sent | {name: value for name, value in form.items() if _readable(value)}


def _readable(value: object) -> TypeGuard[str]:
    """Whether it is text. JSON can hold halves of characters, which nothing can be compared with."""
    return isinstance(value, str) and value.isprintable()
