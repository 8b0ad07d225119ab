"""``/-/kubernetes-agent/k8s-proxy/``: the cluster's API for jobs and people, streamed in both directions."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Iterable

import anyio
import httpx2
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from testbed.gitlab.kas.agents import Agents
from testbed.gitlab.kas.credentials import read_credentials
from testbed.gitlab.kas.gitlab_api import GitLabApi
from testbed.gitlab.kas.refusals import RefusedError

__all__ = ["PREFIX", "application"]

PREFIX = "/-/kubernetes-agent/k8s-proxy"

_CONNECT_LIMIT, _WRITE_LIMIT = 10.0, 60.0
"""Seconds. Reading has no limit: a watch may have nothing to say for long; the API server ends it in its own time."""
_CONNECTIONS = 500

_OF_ONE_CONNECTION = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding"}
    | {"upgrade"}
)
_OF_GITLAB = frozenset({"authorization", "cookie", "gitlab-agent-id", "x-csrf-token", "host"})
_OF_THE_CLUSTER = ("impersonate-", "x-remote-")
"""Beginnings of headers by which the API server takes somebody for somebody else."""

log = logging.getLogger(__name__)


def application(gitlab: GitLabApi, agents: Agents, server: str, trust: ssl.SSLContext | bool) -> Starlette:
    """The agent server.

    Args:
        gitlab: says who may use which agent.
        agents: say as whom.
        server: the address of the cluster's API.
        trust: how the API server proves itself. It holds no certificate of ours: that would win over agents' tokens.
    """
    limits = httpx2.Limits(max_connections=_CONNECTIONS)
    transport = httpx2.AsyncHTTPTransport(verify=trust, trust_env=False, limits=limits)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        reporting = asyncio.create_task(agents.report())
        try:
            yield
        finally:
            reporting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reporting
            await agents.close()
            await gitlab.close()
            await transport.aclose()

    proxy = _Proxy(gitlab, agents, server.rstrip("/"), transport)
    routes = [Route("/readiness", _readiness), Route(f"{PREFIX}/{{path:path}}", proxy)]
    return Starlette(routes=routes, lifespan=lifespan)


async def _readiness(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


class _Proxy:
    def __init__(self, gitlab: GitLabApi, agents: Agents, server: str, transport: httpx2.AsyncHTTPTransport) -> None:
        self._gitlab = gitlab
        self._agents = agents
        self._server = server
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._forward(request)
        except RefusedError as refused:
            # The rest of the body is read, and dropped: a client that is still sending does not see an answer.
            with contextlib.suppress(ClientDisconnect):
                async for _ in request.stream():
                    pass
            await refused.response()(scope, receive, send)
            return
        except ClientDisconnect:
            return
        try:
            await _relay(answer, receive, send)
        finally:
            with anyio.CancelScope(shield=True):
                await answer.aclose()

    async def _forward(self, request: Request) -> httpx2.Response:
        credentials = read_credentials(request.headers.getlist("authorization"))
        if "upgrade" in request.headers:
            raise RefusedError(
                400, "Bad request: exec, attach, port-forward and cp are not carried by this double; use logs or a Job"
            )
        await self._gitlab.authorize(credentials)
        bearer = await self._agents.bearer(credentials.agent_id)
        raw: bytes = request.scope["raw_path"]
        query: bytes = request.scope["query_string"]
        target = f"{self._server}/{raw.decode('ascii').removeprefix(f'{PREFIX}/')}"
        headers = [*_carried(request.headers), ("authorization", f"Bearer {bearer}"), ("via", "1.1 gitlab-kas")]
        sends = "content-length" in request.headers or "transfer-encoding" in request.headers
        try:
            return await self._transport.handle_async_request(
                httpx2.Request(
                    request.method,
                    f"{target}?{query.decode('ascii')}" if query else target,
                    headers=headers,
                    content=request.stream() if sends else None,
                    extensions={"timeout": {"connect": _CONNECT_LIMIT, "write": _WRITE_LIMIT, "pool": _CONNECT_LIMIT}},
                )
            )
        except httpx2.HTTPError as error:
            raise RefusedError(502, f"the cluster's API does not answer: {type(error).__name__}") from None


def _carried(headers: Headers) -> Iterable[tuple[str, str]]:
    """What goes to the cluster: nothing of this connection, nothing that is for GitLab, nothing that claims rights."""
    named = {each.strip().lower() for each in headers.get("connection", "").split(",")}
    dropped = _OF_ONE_CONNECTION | _OF_GITLAB | named
    return [
        (name, value) for name, value in headers.items() if name not in dropped and not name.startswith(_OF_THE_CLUSTER)
    ]


async def _relay(answer: httpx2.Response, receive: Receive, send: Send) -> None:
    """Pass an answer on as it comes; stop when the caller has gone, who may be the only one to end a watch."""

    async def end_with_caller() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        tasks.cancel_scope.cancel()

    headers = [
        (name, value) for name, value in answer.headers.raw if name.decode("latin-1").lower() not in _OF_ONE_CONNECTION
    ]
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end_with_caller)
        start = {"type": "http.response.start", "status": answer.status_code}
        await send({**start, "headers": [*headers, (b"via", b"1.1 gitlab-kas")]})
        try:
            async for chunk in answer.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except httpx2.HTTPError as error:
            # Without an end, the caller sees that something is missing.
            log.warning("the cluster's API broke off an answer: %s", type(error).__name__)
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        tasks.cancel_scope.cancel()
