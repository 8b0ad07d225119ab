"""Deploy tokens, deploy keys, and whose job tokens open a project."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.core.clock import now
from testbed.gitlab.store.base import Base
from testbed.gitlab.store.spaces import Owned

__all__ = ["DeployKey", "DeployKeyUse", "DeployToken", "JobTokenAllowed", "JobTokenScope"]


class DeployToken(Base, Owned):
    """A token for Git and registries that belongs to no user."""

    __tablename__ = "deploy_tokens"

    name: Mapped[str]
    username: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def expired(self) -> bool:
        """Past its time."""
        return self.expires_at is not None and self.expires_at <= now()


class DeployKey(Base):
    """An SSH key that projects share. Nobody speaks SSH here: keys are kept, not used."""

    __tablename__ = "deploy_keys"

    title: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[str]
    fingerprint_sha256: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None] = mapped_column(default=None)


class DeployKeyUse(Base):
    """A deploy key in a project."""

    __tablename__ = "deploy_key_uses"
    __table_args__ = (UniqueConstraint("project_id", "deploy_key_id"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    deploy_key_id: Mapped[int] = mapped_column(ForeignKey("deploy_keys.id", ondelete="CASCADE"))
    can_push: Mapped[bool] = mapped_column(default=False)

    key: Mapped[DeployKey] = relationship(lazy="joined")


class JobTokenScope(Base):
    """Whether a project lets in only the job tokens on its list."""

    __tablename__ = "job_token_scopes"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), unique=True)
    inbound_enabled: Mapped[bool] = mapped_column(default=True)


class JobTokenAllowed(Base, Owned):
    """A project or group on the list of `source_id`; the mixin's columns say which."""

    __tablename__ = "job_token_allowlist"
    __table_args__ = (UniqueConstraint("source_id", "project_id"), UniqueConstraint("source_id", "namespace_id"))

    source_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
