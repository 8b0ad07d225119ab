"""Merge requests, what people say on them, and who approves."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.core.clock import now
from testbed.gitlab.store.base import Base, Stamped
from testbed.gitlab.store.people import User
from testbed.gitlab.store.spaces import Project

__all__ = ["Approval", "MergeRequest", "MergeRequestVersion", "Note"]


class MergeRequest(Base, Stamped):
    """A branch that somebody wants in another one."""

    __tablename__ = "merge_requests"
    __table_args__ = (UniqueConstraint("project_id", "iid"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    """The target project; its numbers (`iid`) count."""
    source_project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="SET NULL"))
    iid: Mapped[int]
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    title: Mapped[str]
    description: Mapped[str | None] = mapped_column(default=None)
    source_branch: Mapped[str]
    target_branch: Mapped[str]
    state: Mapped[str] = mapped_column(default="opened")
    """``opened``, ``closed``, ``locked`` (while it merges) or ``merged``."""
    sha: Mapped[str]
    """Head of the source branch as last seen; stays when the branch is gone."""
    base_sha: Mapped[str]
    """Where the source branch left the target branch, as last seen."""
    start_sha: Mapped[str]
    """Head of the target branch when `base_sha` was found."""
    merge_commit_sha: Mapped[str | None] = mapped_column(default=None)
    squash_commit_sha: Mapped[str | None] = mapped_column(default=None)
    squash: Mapped[bool] = mapped_column(default=False)
    remove_source_branch: Mapped[bool] = mapped_column(default=False)
    auto_merge: Mapped[bool] = mapped_column(default=False)
    """Merge once the head pipeline succeeds, on behalf of `merge_user`."""
    merge_error: Mapped[str | None] = mapped_column(default=None)
    merge_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), default=None)
    merged_at: Mapped[datetime | None] = mapped_column(default=None)
    closed_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), default=None)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)
    labels: Mapped[list[str]] = mapped_column(default=list)
    assignee_ids: Mapped[list[int]] = mapped_column(default=list)
    reviewer_ids: Mapped[list[int]] = mapped_column(default=list)
    milestone_id: Mapped[int | None] = mapped_column(ForeignKey("milestones.id", ondelete="SET NULL"), default=None)

    project: Mapped[Project] = relationship(foreign_keys=[project_id])
    source_project: Mapped[Project | None] = relationship(foreign_keys=[source_project_id])
    author: Mapped[User | None] = relationship(foreign_keys=[author_id])
    merge_user: Mapped[User | None] = relationship(foreign_keys=[merge_user_id])
    closed_by: Mapped[User | None] = relationship(foreign_keys=[closed_by_id])

    @property
    def draft(self) -> bool:
        """Whether the title says that it must not be merged yet."""
        return self.title.lower().startswith(("draft:", "[draft]", "(draft)"))


class MergeRequestVersion(Base):
    """The state of a merge request's branches after one push."""

    __tablename__ = "merge_request_versions"

    merge_request_id: Mapped[int] = mapped_column(ForeignKey("merge_requests.id", ondelete="CASCADE"), index=True)
    head_sha: Mapped[str]
    base_sha: Mapped[str]
    start_sha: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Note(Base, Stamped):
    """A comment. Notes with the same `discussion` are a thread."""

    __tablename__ = "notes"

    merge_request_id: Mapped[int] = mapped_column(ForeignKey("merge_requests.id", ondelete="CASCADE"), index=True)
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
    merge_request: Mapped[MergeRequest] = relationship()


class Approval(Base):
    """Somebody's consent to a merge request."""

    __tablename__ = "approvals"
    __table_args__ = (UniqueConstraint("merge_request_id", "user_id"),)

    merge_request_id: Mapped[int] = mapped_column(ForeignKey("merge_requests.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User] = relationship()
