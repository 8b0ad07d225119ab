"""GitLab Pages: what a project's ``pages`` job left in ``public/``, as a web site.

Files are read from the job's archive, so no path can lead out of it. As on a GitLab without Pages access control (the
default), whoever reaches the double reads the sites. They run scripts of others beside the double's own pages, so
browsers are told to give them an origin of their own.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from urllib.parse import unquote

from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.pipelines.files import archived_file
from testbed.gitlab.pipelines.reports import artifact_of
from testbed.gitlab.store import Artifact, Job, PagesSettings, Project

__all__ = ["PREFIX", "published", "routes"]

PREFIX = "/-/pages/"

_HEADERS = {
    "Content-Security-Policy": "sandbox allow-scripts allow-popups allow-forms",
    "X-Content-Type-Options": "nosniff",
}


def routes(forge: Forge) -> list[Route]:
    """The one address below which all sites are."""

    async def serve(request: Request) -> Response:
        return await run_in_threadpool(_answer, forge, unquote(request.path_params["path"]))

    return [Route(f"{PREFIX}{{path:path}}", serve)]


def _answer(forge: Forge, path: str) -> Response:
    with forge.database.read() as session:
        project = _project(session, path)
        found = published(session, project) if project is not None else None
        if project is None or found is None:
            return PlainTextResponse("There is no such site.\n", 404)
        archive, directory = found
        inside = path[len(project.full_path) :]
        if not inside:
            return RedirectResponse(forge.url(PREFIX.strip("/"), project.full_path, ""))
        for name, status in _candidates(directory, inside.lstrip("/")):
            content = archived_file(forge.settings, archive, name)
            if content is not None:
                return _page(content, name, status)
        return PlainTextResponse("The page could not be found.\n", 404)


def _project(session: Session, path: str) -> Project | None:
    """The project whose path the address begins with."""
    parts = path.split("/")
    prefixes = ["/".join(parts[:size]) for size in range(2, len(parts) + 1)]
    return session.scalar(select(Project).where(Project.full_path.in_(prefixes)))


def published(session: Session, project: Project) -> tuple[Artifact, str] | None:
    """The archive of the newest successful job that publishes, and the directory in it."""
    if setting(project, "pages_access_level") == "disabled":
        return None
    removed = select(PagesSettings.removed_through).where(PagesSettings.project_id == project.id)
    ended = (
        select(Job)
        .where(
            Job.project_id == project.id, Job.status == "success", Job.id > func.coalesce(removed.scalar_subquery(), 0)
        )
        .order_by(Job.id.desc())
    )
    for job in session.scalars(ended):
        declared = job.options.get("pages", job.name == "pages")
        archive = artifact_of(job, "archive") if declared else None
        if archive is not None:
            facts = declared if isinstance(declared, dict) else {}
            return archive, str(facts.get("publish") or job.options.get("publish") or "public").strip("/")
    return None


def _candidates(directory: str, inside: str) -> list[tuple[str, int]]:
    """Names to look for, with the status of the answer: the file, the index of the directory, the site's own 404."""
    plain = inside.rstrip("/")
    names = [plain] if plain == inside and plain else []
    names += [f"{plain}/index.html" if plain else "index.html"]
    names += [f"{plain}.html"] if plain else []
    return [(f"{directory}/{name}", 200) for name in names] + [(f"{directory}/404.html", 404)]


def _page(content: Iterator[bytes], name: str, status: int) -> Response:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return StreamingResponse(content, status, _HEADERS, kind)
