"""One visit to the page, as a view sees it, and the registry of views."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

import pygit2
from sqlalchemy import Select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from testbed.gitlab.api.pipeline_entities import readable_project
from testbed.gitlab.core.access import level_of, reads_code
from testbed.gitlab.core.actor import ANONYMOUS, Actor
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import ApiError, forbidden, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.forge import Forge
from testbed.gitlab.store import Container, Namespace, Project, User
from testbed.gitlab.web.rendering import TEMPLATES

__all__ = ["PER_PAGE", "Kind", "Rows", "View", "Views", "Visit"]

T = TypeVar("T")

PER_PAGE = 25

Kind = Literal["site", "group", "project"]
"""What an address begins with: nothing, a group or user, or a project."""

View = Callable[["Visit"], Response]


@dataclass(frozen=True)
class Rows(Generic[T]):
    """One page of a list."""

    items: list[T]
    page: int
    more: bool
    """Whether there is a page after it."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A request by somebody who is known, inside its transaction."""

    forge: Forge
    session: Session
    actor: Actor
    request: Request
    place: Container | None
    """The group or project that the address begins with; the visitor may see it."""
    args: Mapping[str, str]
    """Variable parts of the address, decoded."""
    form: Mapping[str, str]

    @property
    def project(self) -> Project:
        """The project that is visited."""
        if not isinstance(self.place, Project):
            raise not_found("Project")
        return self.place

    @property
    def group(self) -> Namespace:
        """The group, or the namespace of a user, that is visited."""
        if not isinstance(self.place, Namespace):
            raise not_found("Group")
        return self.place

    @cached_property
    def level(self) -> Level:
        """The visitor's role in the place."""
        return level_of(self.session, self.actor, self.place) if self.place else Level.NONE

    def need(self, at_least: Level) -> None:
        """Demand a role.

        Raises:
            ApiError: 403.
        """
        if self.level < at_least:
            raise forbidden()

    def user_with(self, scope: str) -> User:
        """The visitor, whose token was made for this.

        Raises:
            ApiError: 403.
        """
        if self.actor.user is None or scope not in self.actor.scopes:
            raise forbidden()
        return self.actor.user

    @cached_property
    def reads_code(self) -> bool:
        """Whether the visitor may see files, merge requests and pipelines of the project."""
        return reads_code(self.session, self.actor, self.project)

    @cached_property
    def repository(self) -> pygit2.Repository:
        """The project's repository.

        Raises:
            ApiError: 403 for a visitor who may not read code.
        """
        self.need_code()
        return self.forge.storage.open(self.project.id)

    def need_code(self) -> None:
        """Demand the right to read code.

        Raises:
            ApiError: 403.
        """
        if not self.reads_code:
            raise forbidden()

    @cached_property
    def call(self) -> Call:
        """The visit as the API would see it, so that its own rules say what the visitor may see."""
        return Call(
            forge=self.forge,
            session=self.session,
            actor=self.actor,
            kind="projects",
            path={**self.args, "id": str(self.project.id)},
            query={},
            url=self.forge.api_url("projects", self.project.id),
        )

    @cached_property
    def sees_pipelines(self) -> bool:
        """Whether the visitor may see the project's pipelines."""
        try:
            readable_project(self.call)
        except ApiError:
            return False
        return True

    def number(self, name: str, what: str) -> int:
        """A number in the address; anything else is nothing that exists."""
        if not self.args[name].isdecimal():
            raise not_found(what)
        return int(self.args[name])

    def rows(self, statement: Select[T]) -> Rows[T]:
        """The wanted page of a query."""
        page = self.page
        found = list(self.session.scalars(statement.limit(PER_PAGE + 1).offset((page - 1) * PER_PAGE)).unique())
        return Rows(found[:PER_PAGE], page, len(found) > PER_PAGE)

    @property
    def page(self) -> int:
        """Which page of a list is wanted, from 1."""
        wanted = self.request.query_params.get("page", "1")
        return max(1, int(wanted)) if wanted.isdecimal() and len(wanted) < 7 else 1

    def csrf(self) -> str:
        """The word that forms of this session carry."""
        session: dict[str, Any] = self.request.session
        return str(session.setdefault("csrf", secrets.token_urlsafe(24)))

    def show(self, template: str, *, status: int = 200, **facts: object) -> Response:
        """A page made from a template."""
        text = TEMPLATES.get_template(template).render(
            visit=self,
            place=self.place,
            user=self.actor.user,
            signed_in=self.actor is not ANONYMOUS,
            Level=Level,
            **facts,
        )
        return HTMLResponse(text, status)

    @staticmethod
    def go(address: str) -> Response:
        """Send the browser to another page after a form, or from an address that is only another name."""
        return RedirectResponse(address, 303)


@dataclass(frozen=True)
class _Entry:
    """A view and where it belongs."""

    kind: Kind
    method: str
    pattern: re.Pattern[str]
    view: View


class Views:
    """The views of one part of the page, by kind of place, method and address.

    In an address, ``{name}`` stands for one part and ``{name:path}`` for any number.
    """

    def __init__(self) -> None:
        self.entries: list[_Entry] = []

    def site(self, *paths: str, method: str = "GET") -> Callable[[View], View]:
        """Views of no place, by their whole address."""
        return self._add("site", method, paths)

    def group(self, *paths: str, method: str = "GET") -> Callable[[View], View]:
        """Views of groups and users, by what follows ``/-`` in the address."""
        return self._add("group", method, paths)

    def project(self, *paths: str, method: str = "GET") -> Callable[[View], View]:
        """Views of projects, by what follows ``/-`` in the address."""
        return self._add("project", method, paths)

    def find(self, kind: Kind, method: str, path: str) -> tuple[View, dict[str, str]] | None:
        """The view for an address, with the address's variable parts as they were sent."""
        for entry in self.entries:
            if (entry.kind, entry.method) == (kind, method) and (match := entry.pattern.fullmatch(path)):
                return entry.view, match.groupdict()
        return None

    def _add(self, kind: Kind, method: str, paths: tuple[str, ...]) -> Callable[[View], View]:
        def declare(view: View) -> View:
            self.entries.extend(_Entry(kind, method, _pattern(path), view) for path in paths)
            return view

        return declare


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("".join(_part(part) for part in re.split(r"(\{\w+(?::path)?\})", path)), re.DOTALL)


def _part(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    name, _, kind = part.strip("{}").partition(":")
    return f"(?P<{name}>{'.+' if kind else '[^/]+'})"
