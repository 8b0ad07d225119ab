"""Environments that not everybody may deploy to."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from testbed.gitlab.store.base import Base, Stamped

__all__ = ["ProtectedEnvironment"]


class ProtectedEnvironment(Base, Stamped):
    """Who may deploy to an environment, and how many must approve."""

    __tablename__ = "protected_environments"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str]
    deploy_access_levels: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    approval_rules: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    entries: Mapped[int] = mapped_column(default=0)
    """How many entries there ever were: GitLab gives no number twice."""
