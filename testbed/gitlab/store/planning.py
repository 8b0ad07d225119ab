"""Labels, boards, milestones and badges."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.store.base import Base, Stamped
from testbed.gitlab.store.spaces import Owned

__all__ = ["Badge", "Board", "BoardList", "Label", "Milestone"]


class Label(Base, Owned, Stamped):
    """A label of a group or a project."""

    __tablename__ = "labels"
    __table_args__ = (UniqueConstraint("namespace_id", "name"), UniqueConstraint("project_id", "name"))

    name: Mapped[str]
    color: Mapped[str]
    description: Mapped[str | None] = mapped_column(default=None)
    priority: Mapped[int | None] = mapped_column(default=None)
    archived: Mapped[bool] = mapped_column(default=False)


class Milestone(Base, Owned, Stamped):
    """A milestone; `iid` counts within its owner."""

    __tablename__ = "milestones"
    __table_args__ = (
        UniqueConstraint("namespace_id", "iid"),
        UniqueConstraint("project_id", "iid"),
    )

    iid: Mapped[int]
    title: Mapped[str]
    description: Mapped[str | None] = mapped_column(default=None)
    state: Mapped[str] = mapped_column(default="active")
    start_date: Mapped[date | None] = mapped_column(default=None)
    due_date: Mapped[date | None] = mapped_column(default=None)


class Board(Base, Owned, Stamped):
    """An issue board."""

    __tablename__ = "boards"

    name: Mapped[str]
    hide_backlog_list: Mapped[bool] = mapped_column(default=False)
    hide_closed_list: Mapped[bool] = mapped_column(default=False)
    milestone_id: Mapped[int | None] = mapped_column(ForeignKey("milestones.id", ondelete="SET NULL"), default=None)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), default=None)
    weight: Mapped[int | None] = mapped_column(default=None)
    label_ids: Mapped[list[int]] = mapped_column(default=list)

    milestone: Mapped[Milestone | None] = relationship()
    lists: Mapped[list[BoardList]] = relationship(
        order_by="BoardList.position", cascade="all, delete-orphan", passive_deletes=True
    )


class BoardList(Base):
    """A column of a board: the issues with one label, assignee or milestone."""

    __tablename__ = "board_lists"

    board_id: Mapped[int] = mapped_column(ForeignKey("boards.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    label_id: Mapped[int | None] = mapped_column(ForeignKey("labels.id", ondelete="CASCADE"), default=None)
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), default=None)
    milestone_id: Mapped[int | None] = mapped_column(ForeignKey("milestones.id", ondelete="CASCADE"), default=None)

    label: Mapped[Label | None] = relationship(lazy="joined")
    milestone: Mapped[Milestone | None] = relationship(lazy="joined")


class Badge(Base, Owned, Stamped):
    """A badge on a group's or project's page."""

    __tablename__ = "badges"

    name: Mapped[str | None] = mapped_column(default=None)
    link_url: Mapped[str]
    image_url: Mapped[str]
