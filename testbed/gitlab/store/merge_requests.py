"""Merge requests, and who must and does approve of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.core.clock import now
from testbed.gitlab.store.base import Base
from testbed.gitlab.store.issuables import Issuable
from testbed.gitlab.store.people import User
from testbed.gitlab.store.spaces import Project

__all__ = ["Approval", "ApprovalRule", "ApprovalSettings", "MergeRequest", "MergeRequestVersion"]


class MergeRequest(Base, Issuable):
    """A branch that somebody wants in another one. `project` is the target."""

    __tablename__ = "merge_requests"
    __table_args__ = (UniqueConstraint("project_id", "iid"),)

    source_project_id: Mapped[int | None] = mapped_column(ForeignKey("projects.id", ondelete="SET NULL"))
    source_branch: Mapped[str]
    target_branch: Mapped[str]
    sha: Mapped[str]
    """Head of the source branch as last seen; stays when the branch is gone."""
    base_sha: Mapped[str]
    """Where the source branch left the target branch, as last seen."""
    start_sha: Mapped[str]
    """Head of the target branch when `base_sha` was found."""
    merge_commit_sha: Mapped[str | None] = mapped_column(default=None)
    """Of the merge commit; a fast-forward makes none."""
    squash_commit_sha: Mapped[str | None] = mapped_column(default=None)
    squash: Mapped[bool] = mapped_column(default=False)
    remove_source_branch: Mapped[bool] = mapped_column(default=False)
    auto_merge: Mapped[bool] = mapped_column(default=False)
    """Merge once the head pipeline succeeds, on behalf of `merge_user`."""
    merge_params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """What `merge_user` asked for: ``commit_message``, ``squash_commit_message``, ``should_remove_source_branch``."""
    merge_error: Mapped[str | None] = mapped_column(default=None)
    merge_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), default=None)
    merged_at: Mapped[datetime | None] = mapped_column(default=None)
    reviewer_ids: Mapped[list[int]] = mapped_column(default=list)
    allow_collaboration: Mapped[bool] = mapped_column(default=False)
    """Those who may merge may also rebase the source branch in a fork."""

    source_project: Mapped[Project | None] = relationship(foreign_keys=[source_project_id])
    merge_user: Mapped[User | None] = relationship(foreign_keys=[merge_user_id])

    @property
    def draft(self) -> bool:
        """Whether the title says that it must not be merged yet."""
        return self.title.lower().startswith(("draft:", "[draft]", "(draft)"))

    @property
    def from_fork(self) -> bool:
        """Whether the branches are in different projects."""
        return self.source_project_id != self.project_id

    @property
    def head_ref(self) -> str:
        """Where the target repository keeps the head."""
        return f"refs/merge-requests/{self.iid}/head"

    @property
    def merge_ref(self) -> str:
        """Where the target repository keeps what a merge would give."""
        return f"refs/merge-requests/{self.iid}/merge"


class MergeRequestVersion(Base):
    """The state of a merge request's branches after one push."""

    __tablename__ = "merge_request_versions"

    merge_request_id: Mapped[int] = mapped_column(ForeignKey("merge_requests.id", ondelete="CASCADE"), index=True)
    head_sha: Mapped[str]
    base_sha: Mapped[str]
    start_sha: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Approval(Base):
    """Somebody's consent to a merge request."""

    __tablename__ = "approvals"
    __table_args__ = (UniqueConstraint("merge_request_id", "user_id"),)

    merge_request_id: Mapped[int] = mapped_column(ForeignKey("merge_requests.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(default=now)

    user: Mapped[User] = relationship(lazy="joined")


class ApprovalRule(Base):
    """How many of whom must approve: of all merge requests of a project, or of one."""

    __tablename__ = "approval_rules"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    merge_request_id: Mapped[int | None] = mapped_column(
        ForeignKey("merge_requests.id", ondelete="CASCADE"), default=None, index=True
    )
    """Empty for a rule of the whole project."""
    source_rule_id: Mapped[int | None] = mapped_column(
        ForeignKey("approval_rules.id", ondelete="SET NULL"), default=None
    )
    """The project's rule that a merge request's own one replaces."""
    name: Mapped[str]
    approvals_required: Mapped[int]
    rule_type: Mapped[str] = mapped_column(default="regular")
    """``any_approver``, ``regular`` or ``report_approver``."""
    report_type: Mapped[str | None] = mapped_column(default=None)
    user_ids: Mapped[list[int]] = mapped_column(default=list)
    group_ids: Mapped[list[int]] = mapped_column(default=list)
    protected_branch_ids: Mapped[list[int]] = mapped_column(default=list)
    """It counts for these target branches alone; empty for all."""
    applies_to_all_protected_branches: Mapped[bool] = mapped_column(default=False)


class ApprovalSettings(Base):
    """How approvals work in a project. A project without a row has the defaults."""

    __tablename__ = "approval_settings"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), unique=True)
    reset_approvals_on_push: Mapped[bool] = mapped_column(default=True)
    selective_code_owner_removals: Mapped[bool] = mapped_column(default=False)
    disable_overriding_approvers_per_merge_request: Mapped[bool] = mapped_column(default=False)
    merge_requests_author_approval: Mapped[bool] = mapped_column(default=False)
    merge_requests_disable_committers_approval: Mapped[bool] = mapped_column(default=False)
    require_password_to_approve: Mapped[bool] = mapped_column(default=False)
    require_reauthentication_to_approve: Mapped[bool] = mapped_column(default=False)
