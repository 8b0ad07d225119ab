"""Protected branches and tags."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.core.levels import Level
from testbed.gitlab.store.base import Base, Stamped
from testbed.gitlab.store.people import User
from testbed.gitlab.store.spaces import Namespace

__all__ = ["Access", "ProtectedRef"]


class ProtectedRef(Base, Stamped):
    """A protection of the branches or tags whose name matches."""

    __tablename__ = "protected_refs"
    __table_args__ = (UniqueConstraint("project_id", "kind", "name"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    kind: Mapped[str]
    """``branch`` or ``tag``."""
    name: Mapped[str]
    """A name, or a pattern with ``*``."""
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Of branches: ``allow_force_push``, ``code_owner_approval_required``."""

    accesses: Mapped[list[Access]] = relationship(
        order_by="Access.id", cascade="all, delete-orphan", passive_deletes=True, lazy="selectin"
    )

    def allowed(self, action: str) -> list[Access]:
        """Who may do it."""
        return [access for access in self.accesses if access.action == action]


class Access(Base):
    """One entry of who may ``push``, ``merge``, ``unprotect`` or ``create``: a role, a user, a group or a key."""

    __tablename__ = "protected_ref_accesses"

    protected_ref_id: Mapped[int] = mapped_column(ForeignKey("protected_refs.id", ondelete="CASCADE"), index=True)
    action: Mapped[str]
    access_level: Mapped[Level]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), default=None)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("namespaces.id", ondelete="CASCADE"), default=None)
    deploy_key_id: Mapped[int | None] = mapped_column(default=None)

    user: Mapped[User | None] = relationship(lazy="joined")
    group: Mapped[Namespace | None] = relationship(lazy="joined")
