"""Web hooks and the queue of their deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.core.clock import now
from testbed.gitlab.store.base import Base
from testbed.gitlab.store.spaces import Owned

__all__ = ["Delivery", "Hook"]


class Hook(Base, Owned):
    """A web hook. Its token must be sent along, so unlike other tokens it cannot be kept as a digest."""

    __tablename__ = "hooks"

    url: Mapped[str]
    name: Mapped[str | None] = mapped_column(default=None)
    description: Mapped[str | None] = mapped_column(default=None)
    token: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default=now)
    triggers: Mapped[dict[str, Any]]
    """Event attribute (``push_events`` ...) to whether it is on."""
    enable_ssl_verification: Mapped[bool] = mapped_column(default=True)
    push_events_branch_filter: Mapped[str | None] = mapped_column(default=None)
    branch_filter_strategy: Mapped[str] = mapped_column(default="wildcard")
    custom_webhook_template: Mapped[str | None] = mapped_column(default=None)
    url_variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    custom_headers: Mapped[dict[str, Any]] = mapped_column(default=dict)

    deliveries: Mapped[list[Delivery]] = relationship(back_populates="hook", passive_deletes=True)


class Delivery(Base):
    """One payload for one hook: waiting until `due_at`, or done (`due_at` is empty)."""

    __tablename__ = "hook_deliveries"
    __table_args__ = (Index("ix_hook_deliveries_due_at", "due_at"),)

    hook_id: Mapped[int] = mapped_column(ForeignKey("hooks.id", ondelete="CASCADE"), index=True)
    trigger: Mapped[str]
    event_uuid: Mapped[str]
    idempotency_key: Mapped[str]
    payload: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    due_at: Mapped[datetime | None] = mapped_column(default=now)
    attempts: Mapped[int] = mapped_column(default=0)
    response_status: Mapped[str] = mapped_column(default="pending")
    response_body: Mapped[str] = mapped_column(default="")
    response_headers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    execution_duration: Mapped[float] = mapped_column(default=0.0)

    hook: Mapped[Hook] = relationship(back_populates="deliveries")
