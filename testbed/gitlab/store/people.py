"""Users and their tokens."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.core.clock import now, today
from testbed.gitlab.store.base import Base, Stamped

__all__ = ["AccessToken", "User"]


class User(Base, Stamped):
    """Somebody who can sign in, or the bot behind a project or group access token."""

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(String(collation="NOCASE"), unique=True)
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(default="active")
    admin: Mapped[bool] = mapped_column(default=False)
    bot: Mapped[bool] = mapped_column(default=False)
    external: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(default=None)

    tokens: Mapped[list[AccessToken]] = relationship(back_populates="user", passive_deletes=True)


class AccessToken(Base, Stamped):
    """A personal access token. Project and group access tokens are the personal tokens of a bot user."""

    __tablename__ = "access_tokens"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    description: Mapped[str | None] = mapped_column(default=None)
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    expires_at: Mapped[date | None]
    revoked: Mapped[bool] = mapped_column(default=False)
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)
    previous_id: Mapped[int | None] = mapped_column(default=None)
    """The token that this one replaced by rotation."""

    user: Mapped[User] = relationship(back_populates="tokens", lazy="joined")

    @property
    def expired(self) -> bool:
        """Past its last day."""
        return self.expires_at is not None and self.expires_at <= today()

    @property
    def active(self) -> bool:
        """Whether it opens anything."""
        return not self.revoked and not self.expired

    def revoke(self) -> None:
        """Make it useless from now on."""
        self.revoked = True
        self.updated_at = now()
