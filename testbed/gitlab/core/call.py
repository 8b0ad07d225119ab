"""One request, as an endpoint sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Select, event, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from testbed.gitlab.core.access import can_see, level_of, scope_refusal
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.errors import forbidden, not_found, unauthorized
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page, Paging
from testbed.gitlab.forge import Forge
from testbed.gitlab.store import Base, Container, Namespace, Project, User

__all__ = ["Call"]

RowT = TypeVar("RowT", bound=Base)
T = TypeVar("T")
ContainerT = TypeVar("ContainerT", Namespace, Project)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request that was authenticated, inside its transaction."""

    forge: Forge
    session: Session
    actor: Actor
    kind: str
    """First word of the path: tells groups from projects where one endpoint serves both."""
    path: Mapping[str, str]
    """Variable parts of the path, decoded."""
    query: Mapping[str, Any]
    url: str
    """The address without query, as others reach it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    """Of endpoints that take bytes instead of parameters."""
    _levels: dict[Container, Level] = field(default_factory=dict, init=False)

    @property
    def user(self) -> User:
        """The signed-in user.

        Raises:
            ApiError: 401 without one.
        """
        if self.actor.user is None:
            raise unauthorized()
        return self.actor.user

    def need_admin(self) -> None:
        """Demand an administrator."""
        if not self.user.admin:
            raise forbidden()

    def project(self, at_least: Level = Level.NONE) -> Project:
        """The project named in the path, when the actor's role suffices."""
        found = self.find(Project, self.path["id"])
        if found is not None and (reason := scope_refusal(self.session, self.actor, found)):
            raise forbidden(reason)
        if found is None or not can_see(self.session, self.actor, found, self.level(found)):
            raise not_found("Project")
        self.need(found, at_least)
        return found

    def group(self, at_least: Level = Level.NONE) -> Namespace:
        """The group named in the path, when the actor's role suffices."""
        found = self.find(Namespace, self.path["id"])
        if found is None or found.personal or not can_see(self.session, self.actor, found, self.level(found)):
            raise not_found("Group")
        self.need(found, at_least)
        return found

    def container(self, at_least: Level = Level.NONE) -> Container:
        """The group or project named in the path, when the actor's role suffices."""
        return self.group(at_least) if self.kind == "groups" else self.project(at_least)

    def find(self, model: type[ContainerT], reference: str) -> ContainerT | None:
        """A group or project by number or full path, seen or not."""
        match = model.id == int(reference) if reference.isdecimal() else model.full_path == reference
        return self.session.scalar(select(model).where(match))

    def level(self, container: Container) -> Level:
        """The actor's role there, as it was when first asked for."""
        if container not in self._levels:
            self._levels[container] = level_of(self.session, self.actor, container)
        return self._levels[container]

    def need(self, container: Container, at_least: Level) -> None:
        """Demand a role.

        Raises:
            ApiError: 401 for nobody, 403 for somebody with less.
        """
        if at_least > Level.NONE and self.level(container) < at_least:
            if self.actor.user is None:
                raise unauthorized()
            raise forbidden()

    def number(self, name: str, what: str) -> int:
        """A number in the path; anything else is nothing that exists."""
        if not self.path[name].isdecimal():
            raise not_found(what)
        return int(self.path[name])

    def add(self, row: RowT) -> RowT:
        """Put a new row into the database, so that it has its number."""
        self.session.add(row)
        self.session.flush()
        return row

    def when_kept(self, action: Callable[[], object]) -> None:
        """Do something once the changes are in the database for good."""
        event.listen(self.session, "after_commit", lambda _: action(), once=True)

    def page(self, statement: Select[T], key: InstrumentedAttribute[int], render: Callable[[T], Any]) -> Page:
        """The wanted page of a query."""
        return Paging(self.url, self.query).rows(self.session, statement, key, render)

    def page_of(self, items: list[T], render: Callable[[T], Any]) -> Page:
        """The wanted page of a list."""
        return Paging(self.url, self.query).items(items, render)
