"""Trouble on purpose: answers that fail or are slow, and a rate limit, so that clients can be tried against them.

An administrator arranges it below ``/-/testbed/``; whatever else comes in is looked at here before it is routed:

- ``POST /-/testbed/faults`` with ``match`` (a regular expression on ``METHOD /path``) and ``status``, ``delay_s``,
  ``retry_after`` (seconds) and ``times`` as wanted; ``GET`` lists the faults, ``DELETE`` removes all, or one by number
- ``PUT /-/testbed/rate_limit`` with ``requests`` and ``period_s``, for all clients together; ``GET``, ``DELETE``
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import asdict, dataclass
from email.utils import formatdate
from itertools import count
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from testbed.gitlab.core.actor import authenticate, token_of_headers
from testbed.gitlab.core.errors import ApiError, forbidden, not_found, parameter_error, rejected, unauthorized
from testbed.gitlab.core.params import Params, parse
from testbed.gitlab.forge import Forge

__all__ = ["Faults"]

FAULTS = "/-/testbed/faults"
RATE_LIMIT = "/-/testbed/rate_limit"

LONGEST_DELAY = 300
"""Seconds that an answer can be held back."""

_TEXTS = {
    500: "500 Internal Server Error",
    502: "502 Bad Gateway: GitLab is taking too much time to respond",
    503: "503 Service Unavailable: GitLab is not available right now",
}


def _readable(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise PydanticCustomError("grape", "is no regular expression: {reason}", {"reason": str(error)}) from None
    return pattern


class NewFault(Params):
    """POST /-/testbed/faults."""

    match: Annotated[str, AfterValidator(_readable)]
    status: Literal[429, 500, 502, 503] | None = None
    retry_after: int = Field(1, ge=0)
    delay_s: float = Field(0, ge=0, le=LONGEST_DELAY)
    times: int | None = Field(None, ge=1)


class NewLimit(Params):
    """PUT /-/testbed/rate_limit."""

    requests: int = Field(ge=1)
    period_s: float = Field(60, gt=0)


@dataclass
class Fault:
    """One kind of trouble."""

    id: int
    match: str
    status: int | None
    """Of the answer; nothing lets the request through after the delay."""
    retry_after: int
    delay_s: float
    times: int | None
    """How often it happens; nothing stands for always."""
    happened: int = 0

    def strikes(self, line: str) -> bool:
        """Whether it happens to a request, given as ``METHOD /path``."""
        return (self.times is None or self.happened < self.times) and re.search(self.match, line) is not None


@dataclass
class Limit:
    """So many requests in each period."""

    requests: int
    period_s: float
    begun: float = 0.0
    observed: int = 0

    def exceeded(self, moment: float) -> bool:
        """Count a request at a moment; whether it is one too many."""
        if moment - self.begun >= self.period_s:
            self.begun, self.observed = moment, 0
        self.observed += 1
        return self.observed > self.requests

    def left(self, moment: float) -> int:
        """Seconds until the period is over, at least one."""
        return max(1, round(self.begun + self.period_s - moment))


class Faults:
    """Sits before the application. What is arranged is kept in memory and gone after a restart."""

    def __init__(self, app: ASGIApp, forge: Forge) -> None:
        self._app = app
        self._forge = forge
        self._faults: list[Fault] = []
        self._numbers = count(1)
        self._limit: Limit | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer for the application, or let it answer."""
        response = None
        if scope["type"] == "http":
            path = scope["raw_path"].decode("ascii")
            if path.startswith((FAULTS, RATE_LIMIT)):
                response = await self._arrange(Request(scope, receive), path)
            else:
                response = await self._trouble(f"{scope['method']} {path}", api=path.startswith("/api/"))
        if response is None:
            await self._app(scope, receive, send)
        else:
            await response(scope, receive, send)

    async def _trouble(self, line: str, *, api: bool) -> Response | None:
        moment = time.time()
        if api and self._limit is not None and self._limit.exceeded(moment):
            return _limited(self._limit.requests, self._limit.observed, self._limit.left(moment))
        fault = next((each for each in self._faults if each.strikes(line)), None)
        if fault is None:
            return None
        fault.happened += 1
        if fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault.status is None:
            return None
        if fault.status == 429:
            return _limited(fault.happened, fault.happened, fault.retry_after)
        return JSONResponse({"message": _TEXTS[fault.status]}, fault.status)

    async def _arrange(self, request: Request, path: str) -> Response:
        try:
            await run_in_threadpool(self._need_admin, request)
            if path == RATE_LIMIT:
                return await self._arrange_limit(request)
            return await self._arrange_faults(request, path)
        except ApiError as error:
            return JSONResponse(error.body, error.status, error.headers)

    def _need_admin(self, request: Request) -> None:
        with self._forge.database.read() as session:
            actor = authenticate(session, token_of_headers(request.headers.items()))
            if actor.user is None:
                raise unauthorized()
            if not actor.admin:
                raise forbidden()

    async def _arrange_faults(self, request: Request, path: str) -> Response:
        number = path.removeprefix(FAULTS).removeprefix("/")
        match request.method:
            case "GET" if not number:
                return JSONResponse([asdict(fault) for fault in self._faults])
            case "POST" if not number:
                wanted = parse(NewFault, await _body(request))
                fault = Fault(id=next(self._numbers), **wanted.model_dump())
                self._faults.append(fault)
                return JSONResponse(asdict(fault), 201)
            case "DELETE":
                kept = [fault for fault in self._faults if number and str(fault.id) != number]
                if number and len(kept) == len(self._faults):
                    raise not_found("Fault")
                self._faults = kept
                return Response(status_code=204)
        raise rejected(405, "405 Method Not Allowed")

    async def _arrange_limit(self, request: Request) -> Response:
        match request.method:
            case "GET":
                return JSONResponse(None if self._limit is None else asdict(self._limit))
            case "PUT":
                self._limit = Limit(**parse(NewLimit, await _body(request)).model_dump())
                return JSONResponse(asdict(self._limit))
            case "DELETE":
                self._limit = None
                return Response(status_code=204)
        raise rejected(405, "405 Method Not Allowed")


async def _body(request: Request) -> dict[str, Any]:
    try:
        found = json.loads(await request.body())
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise parameter_error("message body does not match declared format")
    return found


def _limited(limit: int, observed: int, seconds: int) -> Response:
    """GitLab's answer to whoever asks too much."""
    reset = int(time.time()) + seconds
    headers = {
        "RateLimit-Limit": str(limit),
        "RateLimit-Name": "throttle_authenticated_api",
        "RateLimit-Observed": str(observed),
        "RateLimit-Remaining": "0",
        "RateLimit-Reset": str(reset),
        "RateLimit-ResetTime": formatdate(reset, usegmt=True),
        "Retry-After": str(seconds),
    }
    return PlainTextResponse("Retry later\n", 429, headers)
