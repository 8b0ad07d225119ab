"""The page: rendered here, read-only, kept up to date by what Argo CD streams."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gitops.applications.argocd import ArgoCD, ArgoCDError, Data
from gitops.applications.looks import (
    HEALTH,
    PHASES,
    SYNC,
    Item,
    deployed,
    find_node,
    history,
    newest,
    rows,
    summary,
)

__all__ = ["create_page"]

_HERE: Final = Path(__file__).parent
_REVISIONS: Final = 10
"""How many revisions are shown, and asked about."""
_SETTLED_S: Final = 0.5
"""What happens within it is one change: a rollout changes an application dozens of times."""
_ALIVE_S: Final = 15
"""How often a stream says that it is still there, for proxies that close what is silent."""

_HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def create_page(argocd: ArgoCD, hosts: Sequence[str]) -> ASGIApp:
    """Return the page as an application.

    Args:
        argocd: the client, which the page closes when it ends.
        hosts: the names that browsers may call the page by; any other may be somebody else's page in disguise.
    """
    pages = _Pages(argocd)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await argocd.close()

    return Starlette(
        routes=[
            Mount("/-/assets", StaticFiles(directory=_HERE / "static")),
            Route("/-/ready", pages.ready),
            Route("/-/changes", pages.changes),
            Route("/", pages.overview),
            Route("/applications/{name}", pages.application),
            # Argo CD's own interface has the namespace in the address: links to it work here too.
            Route("/applications/{namespace}/{name}", pages.application),
            Route("/objects/{name}/{uid}", pages.one_object),
            Route("/objects/{name}/{uid}/log", pages.log),
        ],
        middleware=[Middleware(_Headers), Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
        exception_handlers={ArgoCDError: pages.refused, 404: pages.nowhere},
        lifespan=lifespan,
    )


class _Headers:
    """Says on every answer what browsers may do with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, say)


class _Pages:
    """All views."""

    def __init__(self, argocd: ArgoCD) -> None:
        self._argocd = argocd
        self._templates = _templates()

    async def ready(self, _: Request) -> Response:
        """Whether Argo CD answers the page."""
        await self._argocd.applications()
        return PlainTextResponse("ready\n")

    async def overview(self, _: Request) -> Response:
        """Every application in one line."""
        found = sorted((summary(each) for each in await self._argocd.applications()), key=lambda each: each.name)
        return self._show("overview.html", applications=found)

    async def application(self, request: Request) -> Response:
        """One application: its objects, events and revisions."""
        name = request.path_params["name"]
        found, tree, events = await asyncio.gather(
            self._argocd.application(name), self._argocd.tree(name), self._argocd.events(name)
        )
        return self._show(
            "application.html",
            application=summary(found),
            rows=rows(found, tree),
            events=newest(events),
            revisions=await self._revisions(name, found),
        )

    async def one_object(self, request: Request) -> Response:
        """One object of an application: its events, and a pod's log."""
        name = request.path_params["name"]
        found, tree, node = await self._node(request)
        events = await self._argocd.events(name, node)
        row = next(each for each in rows(found, tree) if each.uid == node["uid"])
        return self._show("object.html", application=summary(found), row=row, events=newest(events))

    async def log(self, request: Request) -> Response:
        """The last lines of a pod's log, then whatever comes: a stream of events."""
        name = request.path_params["name"]
        _, _, node = await self._node(request)

        async def events() -> AsyncIterator[str]:
            try:
                async with aclosing(self._argocd.logs(name, node, None, follow=True)) as lines:
                    async for line in lines:
                        yield _event("line", {"at": line.get("timeStampStr", ""), "text": line.get("content", "")})
                yield _event("end", {"reason": "The log has ended."})
            except ArgoCDError as error:
                yield _event("end", {"reason": str(error)})

        return _stream(events())

    async def changes(self, request: Request) -> Response:
        """A word whenever something may look different: a stream of events."""
        name = request.query_params.get("application") or None

        async def events() -> AsyncIterator[str]:
            try:
                async with aclosing(self._argocd.changes(name)) as changes, aclosing(_alive(changes)) as moments:
                    async for _ in moments:
                        yield _event("change", {})
                        await asyncio.sleep(_SETTLED_S)
            except ArgoCDError as error:
                yield _event("trouble", {"reason": str(error)})

        return _stream(events())

    async def refused(self, _: Request, error: Exception) -> Response:
        """Say what Argo CD said."""
        status = error.status if isinstance(error, ArgoCDError) else 500
        return self._show("error.html", status, reason=str(error))

    async def nowhere(self, _: Request, __: Exception) -> Response:
        """Say that the page has no such address."""
        return self._show("error.html", 404, reason="There is no such page.")

    async def _node(self, request: Request) -> tuple[Data, Data, Data]:
        name = request.path_params["name"]
        found, tree = await asyncio.gather(self._argocd.application(name), self._argocd.tree(name))
        node = find_node(tree, request.path_params["uid"])
        if node is None:
            raise ArgoCDError(404, "The application has no such object any more.")
        return found, tree, node

    async def _revisions(self, name: str, application: Data) -> list[Item]:
        entries = deployed(application, _REVISIONS)
        revisions = {str(each.get("revision", "")) for each in entries}
        commits = sorted(each for each in revisions if re.fullmatch(r"[0-9a-f]{40}", each))
        told = await asyncio.gather(*(self._argocd.revision(name, each) for each in commits))
        return history(entries, dict(zip(commits, told, strict=True)))

    def _show(self, template: str, status: int = 200, **values: Any) -> Response:
        text = self._templates.get_template(template).render(values, argocd_url=self._argocd.url)
        return HTMLResponse(text, status)


async def _alive(changes: AsyncIterator[None]) -> AsyncGenerator[None, None]:
    """Yield with every change, and now and then without one: looking again costs little, a dead stream is not seen."""
    following = asyncio.ensure_future(anext(changes, StopAsyncIteration))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=_ALIVE_S)
            if done and following.result() is StopAsyncIteration:
                return
            if done:
                following = asyncio.ensure_future(anext(changes, StopAsyncIteration))
            yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


def _stream(events: AsyncIterator[str]) -> Response:
    return StreamingResponse(events, media_type="text/event-stream", headers={"x-accel-buffering": "no"})


def _event(name: str, data: Mapping[str, str]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


def _ago(moment: str) -> str:
    """A moment of Kubernetes' relative to now."""
    try:
        seconds = (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()
    except (ValueError, TypeError):
        return "unknown"
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["ago"] = _ago
    made.globals.update(HEALTH=HEALTH, SYNC=SYNC, PHASES=PHASES)
    return made
