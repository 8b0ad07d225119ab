"""The web application: REST API, Git over HTTP, health, and the tasks in the background."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from testbed.gitlab import githttp, pages, registry_token
from testbed.gitlab.api import families
from testbed.gitlab.core.errors import ApiError
from testbed.gitlab.faults import Faults
from testbed.gitlab.forge import Forge
from testbed.gitlab.oauth import endpoints as oauth
from testbed.gitlab.pipelines import housekeeping
from testbed.gitlab.pipelines.expanding import Expander
from testbed.gitlab.pipelines.planner import Planner
from testbed.gitlab.repositories import backend
from testbed.gitlab.repositories.pushes import sweep
from testbed.gitlab.repositories.storage import Storage
from testbed.gitlab.settings import VERSION, Settings
from testbed.gitlab.store import Database
from testbed.gitlab.web.serving import page
from testbed.gitlab.webhooks.courier import Courier

__all__ = ["build", "create_forge"]

log = logging.getLogger(__name__)


def create_forge(settings: Settings) -> Forge:
    """Open the data of a double, or lay it out.

    Raises:
        OSError: when Git is missing, or the data cannot be written.
        SchemaError: when the data is another version's.
    """
    backend.program()
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    settings.spool.mkdir(exist_ok=True, mode=0o700)
    backend.install_hooks(settings.data / "hooks")
    database = Database(settings.database)
    storage = Storage(settings.repositories)
    return Forge(
        settings=settings,
        database=database,
        storage=storage,
        courier=Courier(settings, database),
        planner=Planner(),
        expander=Expander(settings.gitlab_ci_local),
    )


def build(forge: Forge) -> ASGIApp:
    """The application of one double."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await run_in_threadpool(sweep, forge)
        tasks = (forge.courier.run(), forge.planner.run(forge), housekeeping.run(forge))
        background = [asyncio.create_task(each) for each in tasks]
        try:
            yield
        finally:
            for task in background:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
            forge.database.close()

    # The framework answers HEAD with any GET endpoint; those with an answer of their own go first.
    endpoints = [endpoint for family in families() for endpoint in family.endpoints]
    application = Starlette(
        routes=[
            Route("/-/readiness", _readiness),
            Route("/-/liveness", _readiness),
            Route("/-/health", _health),
            Route("/-/double", _double),
            *(endpoint.route(forge) for endpoint in sorted(endpoints, key=lambda each: each.method != "HEAD")),
            *pages.routes(forge),
            *registry_token.routes(forge),
            *oauth.routes(forge),
            *githttp.routes(forge),
        ],
        exception_handlers={ApiError: _api_error, HTTPException: _http_error, Exception: _failure},
        lifespan=lifespan,
    )
    application.router.default = page(forge, application.router.default)
    return Faults(_RawPaths(application), forge)


class _RawPaths:
    """Routes by the path as it was sent: ``group%2Fproject`` is one part, not two."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = {**scope, "path": scope["raw_path"].decode("ascii")}
        await self._app(scope, receive, send)


async def _readiness(_request: Request) -> Response:
    return JSONResponse({"status": "ok", "master_check": [{"status": "ok"}]})


async def _health(_request: Request) -> Response:
    return PlainTextResponse("GitLab OK")


async def _double(_request: Request) -> Response:
    return JSONResponse({"double": True, "version": VERSION})


async def _api_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for it
    return JSONResponse(error.body, error.status, error.headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": f"{error.status_code} {error.detail}"}, error.status_code, error.headers)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, error.headers)


async def _failure(request: Request, error: Exception) -> Response:
    log.error("%s %s failed: %s", request.method, request.url.path, type(error).__name__)
    return JSONResponse({"message": "500 Internal Server Error"}, 500)
