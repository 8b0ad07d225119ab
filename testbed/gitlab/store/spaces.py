"""Groups, personal namespaces, projects, and who belongs to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, String, UniqueConstraint, false, or_
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from testbed.gitlab.core.clock import now
from testbed.gitlab.core.levels import Level, Visibility
from testbed.gitlab.store.base import Base, Stamped
from testbed.gitlab.store.people import User

__all__ = ["Container", "Member", "Namespace", "Owned", "Project"]


class Namespace(Base, Stamped):
    """A group or subgroup, or the personal namespace of a user (`owner_id` is set)."""

    __tablename__ = "namespaces"

    name: Mapped[str]
    path: Mapped[str]
    full_path: Mapped[str] = mapped_column(String(collation="NOCASE"), unique=True)
    """Paths from the top, with slashes; kept in step when an ancestor is renamed."""
    full_name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("namespaces.id", ondelete="CASCADE"), default=None)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), default=None)
    description: Mapped[str] = mapped_column(default="")
    visibility: Mapped[Visibility] = mapped_column(default=Visibility.PRIVATE)
    archived: Mapped[bool] = mapped_column(default=False)
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Settings that are kept and given back; their defaults are declared with the endpoint."""

    parent: Mapped[Namespace | None] = relationship(remote_side="Namespace.id")
    owner: Mapped[User | None] = relationship()

    @property
    def personal(self) -> bool:
        """Whether it belongs to a user, not a group."""
        return self.owner_id is not None

    @property
    def web_path(self) -> str:
        """Path of its page."""
        return self.full_path if self.personal else f"groups/{self.full_path}"

    def lineage(self) -> Iterator[Namespace]:
        """Itself, then its parent, up to the top."""
        here: Namespace | None = self
        while here is not None:
            yield here
            here = here.parent


class Project(Base, Stamped):
    """A project with its repository."""

    __tablename__ = "projects"
    __table_args__ = (UniqueConstraint("namespace_id", "name"),)

    name: Mapped[str]
    path: Mapped[str]
    full_path: Mapped[str] = mapped_column(String(collation="NOCASE"), unique=True)
    namespace_id: Mapped[int] = mapped_column(ForeignKey("namespaces.id", ondelete="CASCADE"))
    creator_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    description: Mapped[str | None] = mapped_column(default=None)
    visibility: Mapped[Visibility] = mapped_column(default=Visibility.PRIVATE)
    archived: Mapped[bool] = mapped_column(default=False)
    forked_from_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="SET NULL"), default=None)
    default_branch: Mapped[str]
    """What HEAD names. The API shows it only once the branch exists."""
    topics: Mapped[list[str]] = mapped_column(default=list)
    last_activity_at: Mapped[datetime] = mapped_column(default=now)
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Settings that are kept and given back; their defaults are declared with the endpoint."""

    namespace: Mapped[Namespace] = relationship(lazy="joined")
    creator: Mapped[User | None] = relationship()
    forked_from: Mapped[Project | None] = relationship(remote_side="Project.id")


Container = Namespace | Project
"""What can own labels, variables, hooks and members: a group or a project."""


class Owned:
    """Mixin of rows that belong to one group or one project."""

    namespace_id: Mapped[int | None] = mapped_column(
        ForeignKey("namespaces.id", ondelete="CASCADE"), default=None, index=True
    )
    project_id: Mapped[int | None] = mapped_column(
        ForeignKey("projects.id", ondelete="CASCADE"), default=None, index=True
    )

    @declared_attr
    @classmethod
    def namespace(cls) -> Mapped[Namespace | None]:
        """The group, when a group owns the row."""
        return relationship("Namespace", foreign_keys=f"[{cls.__name__}.namespace_id]")

    @declared_attr
    @classmethod
    def project(cls) -> Mapped[Project | None]:
        """The project, when a project owns the row."""
        return relationship("Project", foreign_keys=f"[{cls.__name__}.project_id]")

    @classmethod
    def of(cls, *containers: Container) -> ColumnElement[bool]:
        """The condition that a row belongs to one of these."""
        namespaces = [item.id for item in containers if isinstance(item, Namespace)]
        projects = [item.id for item in containers if isinstance(item, Project)]
        conditions = [cls.namespace_id.in_(namespaces)] if namespaces else []
        conditions += [cls.project_id.in_(projects)] if projects else []
        return or_(false(), *conditions)

    @property
    def container(self) -> Container:
        """The owner.

        Raises:
            LookupError: for a row that nobody owns; a constraint forbids that.
        """
        owner = self.project or self.namespace
        if owner is None:
            raise LookupError(f"{type(self).__name__} without group and project")
        return owner


class Member(Base, Owned):
    """A direct membership; inherited ones are computed."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("namespace_id", "user_id"),
        UniqueConstraint("project_id", "user_id"),
        CheckConstraint("(namespace_id IS NULL) <> (project_id IS NULL)"),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    access_level: Mapped[Level]
    expires_at: Mapped[date | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), default=None)

    user: Mapped[User] = relationship(foreign_keys=[user_id], lazy="joined")
    created_by: Mapped[User | None] = relationship(foreign_keys=[created_by_id])
