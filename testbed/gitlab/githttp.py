"""Clone, fetch and push over HTTP, with GitLab's authentication and answers."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from functools import partial
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from testbed.gitlab.core.access import can_see, level_of, reads_code, scope_refusal
from testbed.gitlab.core.actor import ANONYMOUS, Actor, authenticate_basic
from testbed.gitlab.core.errors import ApiError
from testbed.gitlab.core.levels import Level
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.repositories import backend, hook, spool
from testbed.gitlab.repositories.policy import push_policy
from testbed.gitlab.repositories.pushes import sweep
from testbed.gitlab.repositories.storage import is_empty
from testbed.gitlab.store import Project

__all__ = ["routes"]

log = logging.getLogger(__name__)

MISSING = "The project you were looking for could not be found or you don't have permission to view it.\n"
NO_DOWNLOAD = "You are not allowed to download code from this project.\n"
NO_PUSH = "You are not allowed to push code to this project.\n"
ARCHIVED = "You can't push to this repository because it's archived. To push, unarchive the project first.\n"
DENIED = (
    "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect or "
    "you're required to use a token instead of a password. If a token was provided, it was either incorrect, expired, "
    "or improperly scoped.\n"
)


class _RefusedError(Exception):
    """Ends a Git request."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.response = PlainTextResponse(
            text, status, {"WWW-Authenticate": 'Basic realm="GitLab"'} if status == 401 else None
        )


@dataclass(frozen=True)
class _Grant:
    """What a request was allowed: the project, and for a push its hook's environment."""

    project_id: int
    variables: dict[str, str]


def routes(forge: Forge) -> list[Route]:
    """The three addresses a Git client asks for."""
    variables = backend.environment(forge.settings.data / "hooks")

    async def serve(request: Request, path: str) -> Response:
        service = request.query_params.get("service") if path == "/info/refs" else path.removeprefix("/")
        if service not in ("git-upload-pack", "git-receive-pack"):
            return PlainTextResponse("Only Git's smart protocol is spoken here.\n", 403)
        action: Literal["fetch", "push"] = "push" if service == "git-receive-pack" else "fetch"
        try:
            grant = await run_in_threadpool(_authorise, forge, request, action)
        except _RefusedError as refused:
            return refused.response
        repository = forge.storage.path(grant.project_id)
        finished = partial(run_in_threadpool, _record, forge)
        return await backend.serve(request, {**variables, **grant.variables}, repository, path, finished)

    async def advertise(request: Request) -> Response:
        return await serve(request, "/info/refs")

    async def upload(request: Request) -> Response:
        return await serve(request, "/git-upload-pack")

    async def receive(request: Request) -> Response:
        return await serve(request, "/git-receive-pack")

    base = "/{path:path}.git"
    plain = "/{path:path}"  # redirected by GitLab; answered at once here, as git follows either
    return [
        route
        for prefix in (base, plain)
        for route in (
            Route(f"{prefix}/info/refs", advertise),
            Route(f"{prefix}/git-upload-pack", upload, methods=["POST"]),
            Route(f"{prefix}/git-receive-pack", receive, methods=["POST"]),
        )
    ]


def _record(forge: Forge) -> None:
    """Record what was pushed. The client has its objects in place, so a failure here is no failure of the push."""
    try:
        sweep(forge)
    except Exception:
        log.exception("a push is not recorded yet; it is tried again with the next one, or at the next start")


def _authorise(forge: Forge, request: Request, action: Literal["fetch", "push"]) -> _Grant:
    with forge.database.read() as session:
        actor = _actor(session, request)
        project = session.scalar(select(Project).where(Project.full_path == request.path_params["path"]))
        if project is not None and (reason := scope_refusal(session, actor, project)):
            raise _RefusedError(403, f"{reason}\n")
        if project is None or not can_see(session, actor, project):
            raise _RefusedError(401, DENIED) if actor is ANONYMOUS else _RefusedError(404, MISSING)
        if action == "fetch":
            _check_fetch(session, actor, project)
            return _Grant(project.id, {})
        _check_push(session, actor, project)
        return _Grant(project.id, _hook_variables(forge, session, actor, project))


def _actor(session: Session, request: Request) -> Actor:
    try:
        return authenticate_basic(session, request.headers.get("authorization", ""))
    except ApiError:
        raise _RefusedError(401, DENIED) from None


def _check_fetch(session: Session, actor: Actor, project: Project) -> None:
    scopes = ("api", "read_repository", "write_repository")
    if actor is not ANONYMOUS and actor.job is None and not actor.scopes.intersection(scopes):
        raise _RefusedError(403, DENIED)
    if not reads_code(session, actor, project):
        raise _RefusedError(403, NO_DOWNLOAD)


def _check_push(session: Session, actor: Actor, project: Project) -> None:
    if actor is ANONYMOUS:
        raise _RefusedError(401, DENIED)
    if actor.job is not None:
        allowed = setting(project, "ci_push_repository_for_job_token_allowed")
        if not allowed or actor.job.project_id != project.id:
            raise _RefusedError(403, NO_PUSH)
    elif not actor.scopes.intersection(("api", "write_repository")):
        raise _RefusedError(403, NO_PUSH)
    if level_of(session, actor, project) < Level.DEVELOPER:
        raise _RefusedError(403, NO_PUSH)
    if project.archived:
        raise _RefusedError(403, ARCHIVED)


def _hook_variables(forge: Forge, session: Session, actor: Actor, project: Project) -> dict[str, str]:
    empty = is_empty(forge.storage.open(project.id))
    receipt = {
        "file": str(spool.new_path(forge.settings.spool)),
        "facts": {
            "project_id": project.id,
            "user_id": actor.user.id if actor.user else None,
            # What a job pushes starts no pipeline, lest jobs start each other for ever.
            "options": [] if actor.job is None else ["ci.no_pipeline"],
        },
    }
    return {
        hook.POLICY_VARIABLE: push_policy(session, actor, project, empty=empty).to_json(),
        hook.RECEIPT_VARIABLE: json.dumps(receipt),
    }
