"""Repositories of the container registry. The registry keeps its own books, so there are none to list here."""

from __future__ import annotations

from typing import Any

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.routing import Routes

__all__ = ["routes"]

routes = Routes(anonymous=False)


@routes.get("/:container/registry/repositories", scopes=("read_registry",))
def list_repositories(call: Call) -> Page:
    """No repositories."""
    call.container(Level.REPORTER)
    nothing: list[dict[str, Any]] = []
    return call.page_of(nothing, lambda each: each)


@routes.get("/projects/{id}/registry/repositories/{repository_id}/tags", scopes=("read_registry",))
def list_repository_tags(call: Call) -> Page:
    """No repository, so no tags."""
    call.project(Level.REPORTER)
    raise not_found("Repository")
