"""Releases."""

from __future__ import annotations

from typing import Any, Literal

import pygit2
from pydantic import Field
from sqlalchemy import select
from starlette.responses import RedirectResponse

from testbed.gitlab.api.entities import user_basic, web_url
from testbed.gitlab.api.milestones import milestone_entity
from testbed.gitlab.api.release_links import LinkFields, find_release, link_entity, new_link
from testbed.gitlab.api.tags import make_tag
from testbed.gitlab.core.access import lineage, visible_projects
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import conflict, not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import CommaSeparated, Instant, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.repositories.commits import commit_entity
from testbed.gitlab.repositories.reading import code_of
from testbed.gitlab.repositories.rules import TAGS
from testbed.gitlab.store import Milestone, Project, Release
from testbed.gitlab.webhooks.queue import enqueue
from testbed.gitlab.webhooks.release_payloads import release_payload

__all__ = ["routes"]

routes = Routes()

ONE = "/projects/{id}/releases/{tag_name}"


class Links(Params):
    """Files of a new release."""

    links: list[LinkFields] = Field(default_factory=list)


class CreateRelease(Params):
    """POST projects/:id/releases."""

    tag_name: NotEmpty
    tag_message: str | None = None
    ref: str | None = None
    name: str | None = None
    description: str | None = None
    milestones: CommaSeparated | None = None
    released_at: Instant | None = None
    assets: Links = Field(default_factory=Links)


class UpdateRelease(Params):
    """PUT projects/:id/releases/:tag_name."""

    name: str | None = None
    description: str | None = None
    milestones: CommaSeparated | None = None
    released_at: Instant | None = None


class ListReleases(Params):
    """GET .../releases."""

    order_by: Literal["released_at", "created_at"] = "released_at"
    sort: Literal["asc", "desc"] = "desc"


def release_entity(call: Call, release: Release) -> dict[str, Any]:
    """A release."""
    page = web_url(release.project, call.forge)
    found = select(Milestone).where(Milestone.id.in_(release.milestone_ids)).order_by(Milestone.id)
    milestones = [milestone_entity(row, call.forge) for row in call.session.scalars(found)]
    archive = f"{page}/-/archive/{release.tag}/{release.project.path}-{release.tag}"
    sources = [{"format": kind, "url": f"{archive}.{kind}"} for kind in ("zip", "tar.gz", "tar.bz2", "tar")]
    return {
        "tag_name": release.tag,
        "name": release.name,
        "description": release.description,
        "created_at": release.created_at,
        "released_at": release.released_at,
        "upcoming_release": release.released_at > now(),
        "author": user_basic(release.author, call.forge),
        "commit": commit_entity(_commit(call, release), page),
        **({"milestones": milestones} if milestones else {}),
        "commit_path": f"/{release.project.full_path}/-/commit/{release.sha}",
        "tag_path": f"/{release.project.full_path}/-/tags/{release.tag}",
        "assets": {
            "count": len(sources) + len(release.links),
            "sources": sources,
            "links": [link_entity(link, release, call.forge) for link in release.links],
        },
        "evidences": [],
        "_links": {
            "self": f"{page}/-/releases/{release.tag}",
            "edit_url": f"{page}/-/releases/{release.tag}/edit",
        },
    }


@routes.get("/groups/{id}/releases")
def list_group_releases(call: Call, params: ListReleases) -> Page:
    """The releases of a group's projects."""
    inside = Project.full_path.startswith(f"{call.group().full_path}/", autoescape=True)
    projects = select(Project.id).where(inside, visible_projects(call.session, call.actor))
    return _list(call, params, Release.project_id.in_(projects))


@routes.get("/projects/{id}/releases")
def list_releases(call: Call, params: ListReleases) -> Page:
    """The releases, newest first."""
    return _list(call, params, Release.project_id == call.project().id)


@routes.get("/projects/{id}/releases/permalink/latest")
def get_latest_release(call: Call) -> RedirectResponse:
    """Where the newest release is."""
    project, _ = code_of(call)
    past = select(Release).where(Release.project_id == project.id, Release.released_at <= now())
    newest = call.session.scalar(past.order_by(Release.released_at.desc(), Release.id.desc()).limit(1))
    if newest is None:
        raise not_found()
    return RedirectResponse(call.forge.api_url("projects", project.id, "releases", newest.tag), 302)


@routes.get(ONE)
def get_release(call: Call) -> dict[str, Any]:
    """One release."""
    code_of(call)
    return release_entity(call, find_release(call))


@routes.post("/projects/{id}/releases")
def create_release(call: Call, params: CreateRelease) -> dict[str, Any]:
    """Release a tag, which is made where it is missing."""
    project = call.project(Level.DEVELOPER)
    taken = select(Release.id).where(Release.project_id == project.id, Release.tag == params.tag_name)
    if call.session.scalar(taken) is not None:
        raise conflict("Release already exists")
    release = Release(
        project=project,
        project_id=project.id,
        tag=params.tag_name,
        sha=_tagged(call, project, params),
        name=params.name or params.tag_name,
        description=params.description,
        author=call.user,
        released_at=params.released_at or now(),
        milestone_ids=_milestones(call, project, params.milestones or []),
    )
    call.add(release)
    for fields in params.assets.links:
        new_link(call, release, fields)
    call.session.refresh(release)
    _announce(call, release, "create")
    return release_entity(call, release)


@routes.put(ONE)
def update_release(call: Call, params: UpdateRelease) -> dict[str, Any]:
    """Change a release."""
    project = call.project(Level.DEVELOPER)
    release = find_release(call)
    if params.name is not None:
        release.name = params.name
    if params.description is not None:
        release.description = params.description
    if params.released_at is not None:
        release.released_at = params.released_at
    if params.milestones is not None:
        release.milestone_ids = _milestones(call, project, params.milestones)
    call.session.flush()
    _announce(call, release, "update")
    return release_entity(call, release)


@routes.delete(ONE, status=200)
def delete_release(call: Call) -> dict[str, Any]:
    """Forget a release; its tag stays."""
    call.project(Level.MAINTAINER)
    release = find_release(call)
    entity = release_entity(call, release)
    _announce(call, release, "delete")
    call.session.delete(release)
    return entity


def _list(call: Call, params: ListReleases, condition: Any) -> Page:
    column = Release.released_at if params.order_by == "released_at" else Release.created_at
    order = (column.asc(), Release.id.asc()) if params.sort == "asc" else (column.desc(), Release.id.desc())
    statement = select(Release).where(condition).order_by(*order)
    return call.page(statement, Release.id, lambda row: release_entity(call, row))


def _tagged(call: Call, project: Project, params: CreateRelease) -> str:
    """The commit of the tag."""
    reference = call.forge.storage.open(project.id).references.get(TAGS + params.tag_name)
    if reference is None:
        if not params.ref:
            raise rejected(422, "Ref is not specified")
        reference = make_tag(call, project, params.tag_name, params.ref, params.tag_message)
    return str(reference.peel(pygit2.Commit).id)


def _milestones(call: Call, project: Project, titles: list[str]) -> list[int]:
    found = call.session.scalars(
        select(Milestone).where(Milestone.of(*lineage(project)), Milestone.title.in_(titles))
    ).all()
    missing = sorted(set(titles) - {row.title for row in found})
    if missing:
        raise rejected(400, f"Milestone(s) not found: {', '.join(missing)}")
    return [row.id for row in found]


def _commit(call: Call, release: Release) -> pygit2.Commit:
    return call.forge.storage.open(release.project_id)[release.sha].peel(pygit2.Commit)


def _announce(call: Call, release: Release, action: str) -> None:
    payload = release_payload(
        release, release.project, _commit(call, release), action, call.forge.settings.external_url
    )
    enqueue(call.session, release.project, "releases_events", payload)
