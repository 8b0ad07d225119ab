"""The files of releases."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import select

from testbed.gitlab.api.entities import web_url
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import invalid, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params, at_least_one
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.forge import Forge
from testbed.gitlab.repositories.reading import code_of
from testbed.gitlab.store import Release, ReleaseLink

__all__ = ["LinkFields", "find_release", "link_entity", "new_link", "routes"]

routes = Routes()

ALL = "/projects/{id}/releases/{tag_name}/assets/links"
ONE = f"{ALL}/{{link_id}}"

Kind = Literal["other", "runbook", "image", "package"]


class LinkFields(Params):
    """POST .../assets/links."""

    name: NotEmpty
    url: NotEmpty
    filepath: str | None = None
    direct_asset_path: str | None = None
    link_type: Kind = "other"


class UpdateLink(Params):
    """PUT .../assets/links/:link_id."""

    name: str | None = None
    url: str | None = None
    filepath: str | None = None
    direct_asset_path: str | None = None
    link_type: Kind | None = None


def link_entity(link: ReleaseLink, release: Release, forge: Forge) -> dict[str, Any]:
    """A file of a release."""
    page = f"{web_url(release.project, forge)}/-/releases/{release.tag}/downloads"
    return {
        "id": link.id,
        "name": link.name,
        "url": link.url,
        "direct_asset_url": f"{page}{link.filepath}" if link.filepath else link.url,
        "link_type": link.link_type,
    }


def new_link(call: Call, release: Release, fields: LinkFields) -> ReleaseLink:
    """Add a file to a release."""
    link = ReleaseLink(
        release_id=release.id,
        name=fields.name,
        url=fields.url,
        filepath=fields.direct_asset_path or fields.filepath,
        link_type=fields.link_type,
    )
    _check(call, link)
    return call.add(link)


@routes.get(ALL)
def list_links(call: Call) -> Page:
    """The files, newest first."""
    release = _release(call)
    statement = select(ReleaseLink).where(ReleaseLink.release_id == release.id).order_by(ReleaseLink.id.desc())
    return call.page(statement, ReleaseLink.id, lambda row: link_entity(row, release, call.forge))


@routes.get(ONE)
def get_link(call: Call) -> dict[str, Any]:
    """One file."""
    release = _release(call)
    return link_entity(_find(call, release), release, call.forge)


@routes.post(ALL)
def create_link(call: Call, params: LinkFields) -> dict[str, Any]:
    """Add a file."""
    release = _release(call, Level.DEVELOPER)
    return link_entity(new_link(call, release, params), release, call.forge)


@routes.put(ONE)
def update_link(call: Call, params: UpdateLink) -> dict[str, Any]:
    """Change a file."""
    release = _release(call, Level.DEVELOPER)
    link = _find(call, release)
    at_least_one(params, *UpdateLink.model_fields)
    with call.session.no_autoflush:
        for name in ("name", "url", "link_type"):
            if (value := getattr(params, name)) is not None:
                setattr(link, name, value)
        if (path := params.direct_asset_path or params.filepath) is not None:
            link.filepath = path
        _check(call, link)
    return link_entity(link, release, call.forge)


@routes.delete(ONE, status=200)
def delete_link(call: Call) -> dict[str, Any]:
    """Remove a file."""
    release = _release(call, Level.DEVELOPER)
    link = _find(call, release)
    call.session.delete(link)
    return link_entity(link, release, call.forge)


def find_release(call: Call) -> Release:
    """The release in the path."""
    wanted = select(Release).where(Release.project_id == call.project().id, Release.tag == call.path["tag_name"])
    found = call.session.scalar(wanted)
    if found is None:
        raise not_found()
    return found


def _release(call: Call, at_least: Level = Level.NONE) -> Release:
    call.project(at_least)
    code_of(call)
    return find_release(call)


def _find(call: Call, release: Release) -> ReleaseLink:
    number = call.number("link_id", "Release link")
    found = call.session.scalar(
        select(ReleaseLink).where(ReleaseLink.release_id == release.id, ReleaseLink.id == number)
    )
    if found is None:
        raise not_found()
    return found


def _check(call: Call, link: ReleaseLink) -> None:
    parts = urlsplit(link.url)
    if parts.scheme not in ("http", "https", "ftp") or not parts.netloc:
        raise invalid(url="is blocked: Only allowed schemes are http, https, ftp")
    if link.filepath and not link.filepath.startswith("/"):
        raise invalid(filepath="is in an invalid format")
    others = select(ReleaseLink).where(ReleaseLink.release_id == link.release_id, ReleaseLink.id.is_not(link.id))
    for other in call.session.scalars(others):
        for name in ("name", "url"):
            if getattr(other, name) == getattr(link, name):
                raise invalid(**{name: "has already been taken"})
