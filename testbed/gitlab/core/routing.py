"""Endpoints: declared with a decorator, run inside a transaction, off the event loop."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, get_type_hints
from urllib.parse import unquote

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Message

from testbed.gitlab.core.actor import ANONYMOUS, Actor, authenticate, token_of_headers
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import ApiError, parameter_error, rejected, unauthorized
from testbed.gitlab.core.job_tokens import reaches
from testbed.gitlab.core.params import Params, nest, parse
from testbed.gitlab.core.render import respond
from testbed.gitlab.forge import Forge
from testbed.gitlab.store import AccessToken

__all__ = ["Endpoint", "Routes"]

log = logging.getLogger(__name__)

HandlerT = TypeVar("HandlerT", bound=Callable[..., object])

PREFIX = "/api/v4"
TOKEN_USE_NOTED_EVERY = timedelta(minutes=1)

HOLD_LIMIT = 20.0
"""Longest time, in seconds, that a request waits for something to answer."""

HOLD_TICK = 0.5


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One method on one path."""

    method: str
    path: str
    handler: Callable[..., object]
    params: type[Params] | None
    status: int
    scopes: tuple[str, ...]
    anonymous: bool
    """Whether it answers without a token, for what is public."""
    machine: bool = False
    """Whether runners call it, whose own kinds of tokens the handler checks."""
    raw: bool = False
    """Whether the body is no parameters but bytes, for the handler to read from `Call.body`."""
    most: int | None = None
    """Bytes that a body may have."""
    reading: bool = False
    """Whether it is given a session for reading whatever its method, because it takes long; it writes by itself."""
    hold: Callable[[Forge, dict[str, Any]], bool] | None = None
    """Says whether there is nothing to answer yet; the request waits while it does, within a limit."""

    def route(self, forge: Forge) -> Route:
        """The endpoint as the web framework wants it."""

        async def serve(request: Request) -> Response:
            request = request if self.most is None else _limited(request, self.most)
            try:
                body = await request.body() if self.raw else b""
                raw = {**nest(request.query_params.multi_items()), **({} if self.raw else await _body(request))}
                if self.hold is not None and not await _held(forge, request, raw, self.hold):
                    return Response(status_code=204)  # Nobody is there to read it, nor to take anything.
                return await run_in_threadpool(self.run, forge, request, raw, body)
            finally:
                await request.close()

        return Route(PREFIX + self.path, serve, methods=[self.method])

    def run(self, forge: Forge, request: Request, raw: dict[str, Any], body: bytes = b"") -> Response:
        """Authenticate, check, act, render; all in one transaction."""
        if self.reading or self.method in ("GET", "HEAD"):
            with forge.database.read() as session:
                actor = self._actor(session, request, raw)
                response = self._answer(Call(session=session, **_facts(forge, request, actor, body)), raw)
        else:
            with forge.database.write() as session:
                actor = self._actor(session, request, raw)
                response = self._answer(Call(session=session, **_facts(forge, request, actor, body)), raw)
            forge.courier.wake()
        _note_use(forge, actor.token)
        return response

    def _actor(self, session: Session, request: Request, raw: dict[str, Any]) -> Actor:
        if self.machine:
            return ANONYMOUS
        sent = token_of_headers(request.headers.items()) or raw.get("access_token") or raw.get("job_token")
        actor = authenticate(session, sent if isinstance(sent, str) else None)
        if "private-token" in request.headers and (actor.job or actor.oauth_token):
            raise unauthorized()
        if actor.job is None:
            return actor
        # Elsewhere GitLab does not even look for a job token.
        return actor if reaches(self.method, self.path) else ANONYMOUS

    def _answer(self, call: Call, raw: dict[str, Any]) -> Response:
        if call.actor is ANONYMOUS and not (self.anonymous or self.machine):
            raise unauthorized()
        call.actor.require(*self.scopes)
        try:
            result = self.handler(call, parse(self.params, raw)) if self.params else self.handler(call)
        except ApiError as error:
            if not error.keeps_changes:
                raise
            return JSONResponse(error.body, error.status, error.headers)
        call.session.flush()
        return respond(result, self.status)


class Routes:
    """The endpoints of one resource family.

    A path starting with ``/:container`` stands for two: the one of a group and the one of a project.
    """

    def __init__(self, *, anonymous: bool = True) -> None:
        """Start empty; `anonymous` says whether what is public is read without a token."""
        self.endpoints: list[Endpoint] = []
        self._anonymous = anonymous

    def get(self, path: str, *, scopes: tuple[str, ...] = ()) -> Callable[[HandlerT], HandlerT]:
        """Read something."""
        return self._add("GET", path, 200, ("api", "read_api", *scopes), self._anonymous)

    def head(self, path: str, *, scopes: tuple[str, ...] = ()) -> Callable[[HandlerT], HandlerT]:
        """Read only the headers."""
        return self._add("HEAD", path, 200, ("api", "read_api", *scopes), True)

    def post(
        self,
        path: str,
        *,
        status: int = 201,
        scopes: tuple[str, ...] = (),
        anonymous: bool = False,
        reading: bool = False,
    ) -> Callable[[HandlerT], HandlerT]:
        """Create something; see `Endpoint` for the last two."""
        return self._add("POST", path, status, ("api", *scopes), anonymous, reading)

    def put(self, path: str, *, status: int = 200, scopes: tuple[str, ...] = ()) -> Callable[[HandlerT], HandlerT]:
        """Change something."""
        return self._add("PUT", path, status, ("api", *scopes), False)

    def patch(self, path: str, *, status: int = 200) -> Callable[[HandlerT], HandlerT]:
        """Change a part of something."""
        return self._add("PATCH", path, status, ("api",), False)

    def delete(self, path: str, *, status: int = 204, scopes: tuple[str, ...] = ()) -> Callable[[HandlerT], HandlerT]:
        """Remove something."""
        return self._add("DELETE", path, status, ("api", *scopes), False)

    def machine(
        self,
        method: str,
        path: str,
        *,
        status: int,
        raw: bool = False,
        most: int | None = None,
        hold: Callable[[Forge, dict[str, Any]], bool] | None = None,
    ) -> Callable[[HandlerT], HandlerT]:
        """Serve runners; see `Endpoint` for the arguments."""

        def declare(handler: HandlerT) -> HandlerT:
            self.endpoints.append(
                Endpoint(
                    method=method,
                    path=path,
                    handler=handler,
                    params=get_type_hints(handler).get("params"),
                    status=status,
                    scopes=(),
                    anonymous=False,
                    machine=True,
                    raw=raw,
                    most=most,
                    hold=hold,
                )
            )
            return handler

        return declare

    def _add(
        self, method: str, path: str, status: int, scopes: tuple[str, ...], anonymous: bool, reading: bool = False
    ) -> Callable[[HandlerT], HandlerT]:
        tail = path.removeprefix("/:container")
        paths = [path] if tail == path else [f"/groups/{{id}}{tail}", f"/projects/{{id}}{tail}"]

        def declare(handler: HandlerT) -> HandlerT:
            for each in paths:
                self.endpoints.append(
                    Endpoint(
                        method=method,
                        path=each,
                        handler=handler,
                        params=get_type_hints(handler).get("params"),
                        status=status,
                        scopes=scopes,
                        anonymous=anonymous,
                        reading=reading,
                    )
                )
            return handler

        return declare


def _facts(forge: Forge, request: Request, actor: Actor, body: bytes) -> dict[str, Any]:
    return {
        "forge": forge,
        "actor": actor,
        "kind": request.url.path.removeprefix(PREFIX).split("/")[1],
        "path": {name: unquote(value) for name, value in request.path_params.items()},
        "query": nest(request.query_params.multi_items()),
        "url": forge.settings.external_url + request.url.path,
        "headers": request.headers,
        "body": body,
    }


def _limited(request: Request, most: int) -> Request:
    """The request, which is refused when its body turns out larger.

    The rest of the body is read nevertheless, and dropped: a client that is still sending does not see an answer.
    """
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        while received > most and message.get("more_body"):
            message = await request.receive()
        if received > most:
            raise rejected(413, "413 Request Entity Too Large")
        return message

    return Request(request.scope, receive)


async def _held(
    forge: Forge, request: Request, raw: dict[str, Any], hold: Callable[[Forge, dict[str, Any]], bool]
) -> bool:
    """Wait while there is nothing to answer; whether the client has waited as well."""
    limit = time.monotonic() + HOLD_LIMIT
    while time.monotonic() < limit and await run_in_threadpool(hold, forge, raw):
        if await request.is_disconnected():
            return False
        await asyncio.sleep(HOLD_TICK)
    return True


async def _body(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return nest((await request.form()).multi_items())
    content = await request.body()
    if not content.strip():
        return {}
    if kind != "application/json":
        raise ApiError(415, {"error": f"The provided content-type '{kind}' is not supported."})
    try:
        found = json.loads(content)
    except ValueError:
        raise parameter_error("message body does not match declared format") from None
    if not isinstance(found, dict):
        raise parameter_error("message body does not match declared format")
    return found


def _note_use(forge: Forge, token: AccessToken | None) -> None:
    if token is None or (token.last_used_at and now() - token.last_used_at < TOKEN_USE_NOTED_EVERY):
        return
    with forge.database.write() as session:
        found = session.get(AccessToken, token.id)
        if found is not None:
            found.last_used_at = now()
