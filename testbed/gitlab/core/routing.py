"""Endpoints: declared with a decorator, run inside a transaction, off the event loop."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, get_type_hints
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from testbed.gitlab.core.actor import ANONYMOUS, Actor, authenticate, token_of_headers
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import ApiError, parameter_error, unauthorized
from testbed.gitlab.core.params import Params, nest, parse
from testbed.gitlab.core.render import respond
from testbed.gitlab.forge import Forge
from testbed.gitlab.store import AccessToken

__all__ = ["Endpoint", "Routes"]

log = logging.getLogger(__name__)

HandlerT = TypeVar("HandlerT", bound=Callable[..., object])

PREFIX = "/api/v4"
TOKEN_USE_NOTED_EVERY = timedelta(minutes=1)


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

    def route(self, forge: Forge) -> Route:
        """The endpoint as the web framework wants it."""

        async def serve(request: Request) -> Response:
            raw = {**nest(request.query_params.multi_items()), **await _body(request)}
            return await run_in_threadpool(self.run, forge, request, raw)

        return Route(PREFIX + self.path, serve, methods=[self.method])

    def run(self, forge: Forge, request: Request, raw: dict[str, Any]) -> Response:
        """Authenticate, check, act, render; all in one transaction."""
        token = token_of_headers(request.headers.items())
        if self.method in ("GET", "HEAD"):
            with forge.database.read() as session:
                actor = authenticate(session, token)
                response = self._answer(Call(session=session, **_facts(forge, request, actor)), raw)
        else:
            with forge.database.write() as session:
                actor = authenticate(session, token)
                response = self._answer(Call(session=session, **_facts(forge, request, actor)), raw)
            forge.courier.wake()
        _note_use(forge, actor.token)
        return response

    def _answer(self, call: Call, raw: dict[str, Any]) -> Response:
        if call.actor is ANONYMOUS and not self.anonymous:
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

    def post(self, path: str, *, status: int = 201, scopes: tuple[str, ...] = ()) -> Callable[[HandlerT], HandlerT]:
        """Create something."""
        return self._add("POST", path, status, ("api", *scopes), False)

    def put(self, path: str, *, scopes: tuple[str, ...] = ()) -> Callable[[HandlerT], HandlerT]:
        """Change something."""
        return self._add("PUT", path, 200, ("api", *scopes), False)

    def patch(self, path: str, *, status: int = 200) -> Callable[[HandlerT], HandlerT]:
        """Change a part of something."""
        return self._add("PATCH", path, status, ("api",), False)

    def delete(self, path: str, *, status: int = 204, scopes: tuple[str, ...] = ()) -> Callable[[HandlerT], HandlerT]:
        """Remove something."""
        return self._add("DELETE", path, status, ("api", *scopes), False)

    def _add(
        self, method: str, path: str, status: int, scopes: tuple[str, ...], anonymous: bool
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
                    )
                )
            return handler

        return declare


def _facts(forge: Forge, request: Request, actor: Actor) -> dict[str, Any]:
    return {
        "forge": forge,
        "actor": actor,
        "kind": request.url.path.removeprefix(PREFIX).split("/")[1],
        "path": {name: unquote(value) for name, value in request.path_params.items()},
        "query": nest(request.query_params.multi_items()),
        "url": forge.settings.external_url + request.url.path,
    }


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
