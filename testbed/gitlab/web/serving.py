"""The page as an application: finds the view for an address, and says what browsers may do with the answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from testbed.gitlab.core.access import can_see
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.errors import ApiError, not_found
from testbed.gitlab.forge import Forge
from testbed.gitlab.store import Container, Namespace, Project
from testbed.gitlab.web.content_policy import content_policy
from testbed.gitlab.web.signing_in import SESSION_SECONDS, genuine, signing_key, visitor
from testbed.gitlab.web.views import find
from testbed.gitlab.web.visits import View, Visit

__all__ = ["page"]

log = logging.getLogger(__name__)

ASSETS = "/-/assets"

FORM_LIMIT = 16 * 1024
"""Bytes of a form; the longest one holds a token and an address."""

HEADERS = {
    "content-security-policy": content_policy(),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def page(forge: Forge, otherwise: ASGIApp) -> ASGIApp:
    """The page of one double.

    Args:
        forge: the double.
        otherwise: answers where machines ask and nothing was found: below ``/api``, ``/jwt`` and ``/-``.
    """
    address = urlsplit(forge.settings.external_url)
    application = Starlette(
        routes=[
            Mount(ASSETS, StaticFiles(directory=Path(__file__).parent / "static")),
            Route("/{path:path}", _Reception(forge), methods=["GET", "POST"]),
        ],
        middleware=[
            Middleware(_Headers),
            Middleware(
                SessionMiddleware,
                secret_key=signing_key(forge.settings.data / "page.key"),
                # Browsers share cookies among the ports of a host, where several testbeds may be.
                session_cookie=f"bighpc_gitlab_{address.port or address.scheme}",
                max_age=SESSION_SECONDS,
                same_site="lax",
                https_only=address.scheme == "https",
            ),
        ],
        exception_handlers={Exception: _failure},
    )

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        ours = scope["type"] == "http" and _for_people(scope["path"])
        await (application if ours else otherwise)(scope, receive, send)

    return serve


def _for_people(path: str) -> bool:
    return path.startswith(f"{ASSETS}/") or not path.startswith(("/api/", "/jwt/", "/-/"))


class _Headers:
    """Says on every answer what browsers may do with it; a view that knows better has said so already."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "private, no-cache")
            await send(message)

        await self._app(scope, receive, say)


class _Reception:
    """The one endpoint: who asks, for which place, and which view shows it."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        form: Mapping[str, str] = {}
        if request.method == "POST":
            if int(request.headers.get("content-length", FORM_LIMIT + 1)) > FORM_LIMIT:
                return PlainTextResponse("This form is too large.\n", 413)
            async with request.form() as sent:
                form = {name: str(value) for name, value in sent.items()}
        return await run_in_threadpool(self._answer, request, form)

    def _answer(self, request: Request, form: Mapping[str, str]) -> Response:
        database = self._forge.database
        try:
            if request.method != "POST":
                with database.read() as session:
                    return self._view(session, request, form)
            if not genuine(request.session, form.get("csrf", "")):
                return self._error(request, 422, "This form is no longer valid. Go back, reload the page, try again.")
            with database.write() as session:
                response = self._view(session, request, form)
            self._forge.courier.wake()
        except ApiError as error:
            return self._error(request, error.status, _reason(error))
        return response

    def _view(self, session: Session, request: Request, form: Mapping[str, str]) -> Response:
        actor = visitor(session, request.session)
        view, args, place = _find(session, actor, request)
        return view(
            Visit(
                forge=self._forge,
                session=session,
                actor=actor,
                request=request,
                place=place,
                args={name: unquote(value) for name, value in args.items()},
                form=form,
            )
        )

    def _error(self, request: Request, status: int, reason: str) -> Response:
        with self._forge.database.read() as session:
            actor = visitor(session, request.session)
            visit = Visit(
                forge=self._forge, session=session, actor=actor, request=request, place=None, args={}, form={}
            )
            return visit.show("error.html", status=status, code=status, reason=reason)


def _find(session: Session, actor: Actor, request: Request) -> tuple[View, dict[str, str], Container | None]:
    method = "GET" if request.method == "HEAD" else request.method
    found = find("site", method, request.url.path)
    if found is not None:
        return *found, None
    front, _, rest = request.url.path.partition("/-/")
    place = _place(session, unquote(front).strip("/"))
    if place is None or not can_see(session, actor, place):
        raise not_found("Page")
    found = find("project" if isinstance(place, Project) else "group", method, f"/{rest.rstrip('/')}")
    if found is None:
        raise not_found("Page")
    return *found, place


def _place(session: Session, path: str) -> Container | None:
    return session.scalar(select(Project).where(Project.full_path == path)) or session.scalar(
        select(Namespace).where(Namespace.full_path == path)
    )


def _reason(error: ApiError) -> str:
    message = error.body.get("message") or error.body.get("error_description") or error.body.get("error")
    return message if isinstance(message, str) else "The request was refused."


async def _failure(request: Request, error: Exception) -> Response:
    log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
    return PlainTextResponse("The page failed. The reason is in the log: bighpc testbed logs gitlab\n", 500)
