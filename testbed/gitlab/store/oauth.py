"""Applications that sign people in through the double, and what they were allowed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.core.clock import now
from testbed.gitlab.store.base import Base, Stamped
from testbed.gitlab.store.people import User

__all__ = ["Application", "AuthorizationCode", "OAuthToken"]


class Application(Base, Stamped):
    """A program that people may let act for them, registered by an administrator."""

    __tablename__ = "oauth_applications"

    uid: Mapped[str] = mapped_column(unique=True)
    """What clients call ``client_id``, and the API ``application_id``."""
    name: Mapped[str]
    secret_digest: Mapped[str]
    redirect_uri: Mapped[str]
    """Where the browser may be sent back to: one address a line."""
    scopes: Mapped[list[str]]
    confidential: Mapped[bool] = mapped_column(default=True)
    """Whether it can keep its secret; one that cannot has to prove each time that it asked itself (PKCE)."""

    @property
    def redirect_uris(self) -> list[str]:
        """The addresses, one by one."""
        return self.redirect_uri.split()


class AuthorizationCode(Base):
    """What the browser carries from the page of consent to the application, good for one exchange."""

    __tablename__ = "oauth_codes"

    application_id: Mapped[int] = mapped_column(ForeignKey("oauth_applications.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    digest: Mapped[str] = mapped_column(unique=True)
    redirect_uri: Mapped[str]
    scopes: Mapped[list[str]]
    nonce: Mapped[str | None] = mapped_column(default=None)
    challenge: Mapped[str | None] = mapped_column(default=None)
    challenge_method: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)

    user: Mapped[User] = relationship(lazy="joined")

    @property
    def expired(self) -> bool:
        """Past its time."""
        return self.expires_at <= now()


class OAuthToken(Base):
    """An access token with the refresh token that replaces both."""

    __tablename__ = "oauth_tokens"

    application_id: Mapped[int] = mapped_column(ForeignKey("oauth_applications.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    code_id: Mapped[int | None] = mapped_column(ForeignKey("oauth_codes.id", ondelete="SET NULL"), index=True)
    """The code that it goes back to, through however many refreshes."""
    digest: Mapped[str] = mapped_column(unique=True)
    refresh_digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    """Of the access token; the refresh token has no end of its own."""
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)

    user: Mapped[User] = relationship(lazy="joined")
    application: Mapped[Application] = relationship(lazy="joined")

    @property
    def expired(self) -> bool:
        """Whether the access token is past its time."""
        return self.expires_at <= now()

    @property
    def revoked(self) -> bool:
        """Whether it was ended: both it and its refresh token."""
        return self.revoked_at is not None

    @property
    def active(self) -> bool:
        """Whether the access token opens anything."""
        return not self.revoked and not self.expired and self.user.state == "active"

    def revoke(self) -> None:
        """Make it and its refresh token useless from now on; the first end counts."""
        self.revoked_at = self.revoked_at or now()
