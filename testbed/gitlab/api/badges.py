"""Badges of groups and projects."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from testbed.gitlab.core.access import lineage
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import invalid, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Badge, Container, Project

__all__ = ["routes"]

routes = Routes()


class CreateBadge(Params):
    """POST .../badges."""

    link_url: NotEmpty
    image_url: NotEmpty
    name: str | None = None


class UpdateBadge(Params):
    """PUT .../badges/:badge_id."""

    link_url: str | None = None
    image_url: str | None = None
    name: str | None = None


class ListBadges(Params):
    """GET .../badges."""

    name: str | None = None


def badge_entity(badge: Badge, viewed_from: Container) -> dict[str, Any]:
    """A badge, as seen from a group or project."""
    return {
        "name": badge.name,
        "link_url": badge.link_url,
        "image_url": badge.image_url,
        "rendered_link_url": _render(badge.link_url, viewed_from),
        "rendered_image_url": _render(badge.image_url, viewed_from),
        "id": badge.id,
        "kind": "project" if badge.project_id is not None else "group",
    }


@routes.get("/:container/badges")
def list_badges(call: Call, params: ListBadges) -> Page:
    """The badges; a project shows those of its groups too."""
    container = call.container()
    owners = lineage(container) if isinstance(container, Project) else [container]
    statement = select(Badge).where(Badge.of(*owners)).order_by(Badge.id)
    if params.name:
        statement = statement.where(Badge.name == params.name)
    return call.page(statement, Badge.id, lambda row: badge_entity(row, container))


@routes.get("/:container/badges/{badge_id}")
def get_badge(call: Call) -> dict[str, Any]:
    """One badge."""
    container = call.container()
    return badge_entity(_find(call, lineage(container)), container)


@routes.post("/:container/badges")
def create_badge(call: Call, params: CreateBadge) -> dict[str, Any]:
    """Create a badge."""
    container = _managed(call)
    owner = {"project" if isinstance(container, Project) else "namespace": container}
    badge = Badge(**params.model_dump(), **owner)
    _check(badge)
    return badge_entity(call.add(badge), container)


@routes.put("/:container/badges/{badge_id}")
def update_badge(call: Call, params: UpdateBadge) -> dict[str, Any]:
    """Change a badge."""
    container = _managed(call)
    badge = _find(call, [container])
    for name, value in params.given().items():
        setattr(badge, name, value)
    _check(badge)
    call.session.flush()
    return badge_entity(badge, container)


@routes.delete("/:container/badges/{badge_id}")
def delete_badge(call: Call) -> None:
    """Remove a badge."""
    call.session.delete(_find(call, [_managed(call)]))


def _managed(call: Call) -> Container:
    return call.container(Level.OWNER if call.kind == "groups" else Level.MAINTAINER)


def _find(call: Call, owners: list[Container]) -> Badge:
    number = call.number("badge_id", "Badge")
    found = call.session.scalar(select(Badge).where(Badge.of(*owners), Badge.id == number))
    if found is None:
        raise not_found("Badge")
    return found


def _check(badge: Badge) -> None:
    for name in ("link_url", "image_url"):
        url = urlsplit(re.sub(r"%\{\w+\}", "x", getattr(badge, name) or ""))
        if url.scheme not in ("http", "https") or not url.netloc:
            raise invalid(**{name: "is blocked: Only allowed schemes are http, https"})


def _render(url: str, container: Container) -> str:
    """Fill in the placeholders, which only a project knows."""
    if not isinstance(container, Project):
        return url
    values = {
        "project_path": container.full_path,
        "project_id": str(container.id),
        "project_name": container.path,
        "project_title": container.name,
        "project_namespace": container.namespace.full_path,
        "group_name": container.namespace.path,
        "default_branch": container.default_branch,
    }
    return re.sub(r"%\{(\w+)\}", lambda match: values.get(match[1], match[0]), url)
