"""What issues and merge requests have in common, and what people say about them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from testbed.gitlab.store.base import Base, Stamped
from testbed.gitlab.store.people import User
from testbed.gitlab.store.planning import Milestone
from testbed.gitlab.store.spaces import Project

__all__ = ["AwardEmoji", "Issuable", "Issue", "Note", "OnIssuable"]


class Issuable(Stamped):
    """Mixin of issues and merge requests: something with a number in its project that people work on."""

    id: Mapped[int]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    iid: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    title: Mapped[str]
    description: Mapped[str | None] = mapped_column(default=None)
    state: Mapped[str] = mapped_column(default="opened")
    """``opened`` or ``closed``; of a merge request also ``merged``."""
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    labels: Mapped[list[str]] = mapped_column(default=list)
    assignee_ids: Mapped[list[int]] = mapped_column(default=list)
    milestone_id: Mapped[int | None] = mapped_column(ForeignKey("milestones.id", ondelete="SET NULL"), default=None)
    discussion_locked: Mapped[bool | None] = mapped_column(default=None)
    """Only members of the project may say something."""

    @declared_attr
    @classmethod
    def project(cls) -> Mapped[Project]:
        """The project whose numbers count; of a merge request the target."""
        return relationship("Project", foreign_keys=f"[{cls.__name__}.project_id]")

    @declared_attr
    @classmethod
    def author(cls) -> Mapped[User | None]:
        """Who opened it."""
        return relationship("User", foreign_keys=f"[{cls.__name__}.author_id]")

    @declared_attr
    @classmethod
    def closed_by(cls) -> Mapped[User | None]:
        """Who closed it last."""
        return relationship("User", foreign_keys=f"[{cls.__name__}.closed_by_id]")

    @declared_attr
    @classmethod
    def milestone(cls) -> Mapped[Milestone | None]:
        """When it should be done."""
        return relationship("Milestone", foreign_keys=f"[{cls.__name__}.milestone_id]")


class Issue(Base, Issuable):
    """Something to be done."""

    __tablename__ = "issues"
    __table_args__ = (UniqueConstraint("project_id", "iid"),)

    confidential: Mapped[bool] = mapped_column(default=False)
    issue_type: Mapped[str] = mapped_column(default="issue")
    """``issue``, ``incident`` or ``task``."""
    due_date: Mapped[str | None] = mapped_column(default=None)
    weight: Mapped[int | None] = mapped_column(default=None)


class OnIssuable:
    """Mixin of rows about one issue or one merge request."""

    merge_request_id: Mapped[int | None] = mapped_column(
        ForeignKey("merge_requests.id", ondelete="CASCADE"), default=None, index=True
    )
    issue_id: Mapped[int | None] = mapped_column(ForeignKey("issues.id", ondelete="CASCADE"), default=None, index=True)

    @classmethod
    def on(cls, item: Issuable) -> ColumnElement[bool]:
        """The condition that a row is about it."""
        return cls.issue_id == item.id if isinstance(item, Issue) else cls.merge_request_id == item.id

    @staticmethod
    def key(item: Issuable) -> dict[str, int]:
        """The column that says what a new row is about."""
        return {"issue_id" if isinstance(item, Issue) else "merge_request_id": item.id}


class Note(Base, OnIssuable, Stamped):
    """A comment. Notes with the same `discussion` are a thread."""

    __tablename__ = "notes"
    __table_args__ = (CheckConstraint("(merge_request_id IS NULL) <> (issue_id IS NULL)"),)

    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    discussion: Mapped[str] = mapped_column(index=True)
    """40 hexadecimal digits."""
    individual: Mapped[bool] = mapped_column(default=True)
    """A note by itself, not the beginning of a thread."""
    body: Mapped[str]
    system: Mapped[bool] = mapped_column(default=False)
    internal: Mapped[bool] = mapped_column(default=False)
    resolvable: Mapped[bool] = mapped_column(default=False)
    resolved_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), default=None)
    resolved_at: Mapped[datetime | None] = mapped_column(default=None)
    position: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Place in the diff, empty for a note on the whole merge request."""

    author: Mapped[User | None] = relationship(foreign_keys=[author_id])
    resolved_by: Mapped[User | None] = relationship(foreign_keys=[resolved_by_id])


class AwardEmoji(Base, OnIssuable, Stamped):
    """A reaction to an issue, a merge request, or a note on one."""

    __tablename__ = "award_emoji"

    note_id: Mapped[int | None] = mapped_column(ForeignKey("notes.id", ondelete="CASCADE"), default=None, index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]

    user: Mapped[User] = relationship()
