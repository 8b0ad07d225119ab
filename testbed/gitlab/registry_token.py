"""``/jwt/auth``: tokens for the container registry, in the form that Docker's clients and registries agree on."""

from __future__ import annotations

import re
import threading
import time
import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from testbed.gitlab.core.access import can_see, level_of, reads_code
from testbed.gitlab.core.actor import ANONYMOUS, Actor, authenticate_basic
from testbed.gitlab.core.errors import ApiError
from testbed.gitlab.core.levels import Level
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.registry_key import RegistryKey
from testbed.gitlab.store import Project

__all__ = ["ISSUER", "routes"]

ISSUER = "omnibus-gitlab-issuer"
"""Who signs, as registries are told to expect it."""

SERVICE = "container_registry"

LIFETIME = 300
"""Seconds that a token is good for, as GitLab's default."""

LEEWAY = 5
"""Seconds that the clocks of double and registry may differ."""

DENIED = "HTTP Basic: Access denied. Use a personal, deploy or job token as the password, with the right scope."

_SCOPE = re.compile(r"repository:([^:]+):([a-z*,]+)")


def routes(forge: Forge) -> list[Route]:
    """The one address that registries send clients to."""
    desk = _Desk(forge)

    async def serve(request: Request) -> Response:
        return await run_in_threadpool(desk.answer, request)

    return [Route("/jwt/auth", serve)]


class _Desk:
    """Hands out tokens for one double."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        self._making = threading.Lock()
        self._key: RegistryKey | None = None

    def _signer(self) -> RegistryKey:
        """The key; it is made when the first token is asked for, as that takes a while."""
        with self._making:
            self._key = self._key or RegistryKey(self._forge.settings.data / "registry.key")
            return self._key

    def answer(self, request: Request) -> Response:
        """A token that allows what the actor may do of what was asked for; that can be nothing."""
        if request.query_params.get("service") != SERVICE:
            return _refusal(404, "UNAVAILABLE", f"this service is {SERVICE!r}")
        # Docker sends a scope parameter each, other clients one with spaces.
        scopes = " ".join(request.query_params.getlist("scope")).split()
        with self._forge.database.read() as session:
            try:
                actor = authenticate_basic(session, request.headers.get("authorization", ""))
            except ApiError:
                return _refusal(401, "UNAUTHORIZED", DENIED)
            if actor is ANONYMOUS and not scopes:
                return _refusal(403, "DENIED", "access forbidden")
            access = [granted for scope in scopes if (granted := _granted(session, actor, scope))]
            return JSONResponse({"token": self._token(actor, access)})

    def _token(self, actor: Actor, access: list[dict[str, object]]) -> str:
        moment = int(time.time())
        name = actor.deploy_token.username if actor.deploy_token else actor.user.username if actor.user else ""
        return self._signer().sign(
            {
                "access": access,
                "jti": str(uuid.uuid4()),
                "aud": SERVICE,
                "sub": name,
                "iss": ISSUER,
                "iat": moment,
                "nbf": moment - LEEWAY,
                "exp": moment + LIFETIME,
            }
        )


def _granted(session: Session, actor: Actor, scope: str) -> dict[str, object] | None:
    """What is granted of ``repository:<path>:<actions>``; nothing for other scopes."""
    match = _SCOPE.fullmatch(scope)
    project = None if match is None else _project(session, match[1])
    if match is None or project is None or setting(project, "container_registry_access_level") == "disabled":
        return None
    actions = [action for action in match[2].split(",") if _may(session, actor, project, action)]
    return {"type": "repository", "name": match[1], "actions": actions} if actions else None


def _project(session: Session, path: str) -> Project | None:
    """The project that a repository belongs to: its images may have up to two more names."""
    parts = path.split("/")
    prefixes = ["/".join(parts[:size]) for size in range(max(2, len(parts) - 2), len(parts) + 1)]
    found = session.scalars(select(Project).where(Project.full_path.in_(prefixes)))
    return max(found, key=lambda each: len(each.full_path), default=None)


def _may(session: Session, actor: Actor, project: Project, action: str) -> bool:
    match action:
        case "pull":
            return _has_scope(actor, "read_registry") and reads_code(session, actor, project)
        case "push":
            return not project.archived and _has_scope(actor, "write_registry") and _writes(session, actor, project)
        case "delete" | "*":
            return actor.job is None and _has_scope(actor, "api") and _writes(session, actor, project)
        case _:
            return False


def _has_scope(actor: Actor, *scopes: str) -> bool:
    """Whether the token was made for it; a job token, and nobody, has no scopes to be asked for."""
    if not actor.limited:
        return True
    return bool(actor.scopes.intersection((*scopes, "api")))


def _writes(session: Session, actor: Actor, project: Project) -> bool:
    if actor.deploy_token is not None:
        return can_see(session, actor, project)
    return level_of(session, actor, project) >= Level.DEVELOPER


def _refusal(status: int, code: str, message: str) -> Response:
    return JSONResponse({"errors": [{"code": code, "message": message}]}, status)
