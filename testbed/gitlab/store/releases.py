"""What projects publish: releases, which are tags with a description and files, and their Pages site."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.core.clock import now
from testbed.gitlab.store.base import Base, Stamped
from testbed.gitlab.store.people import User
from testbed.gitlab.store.spaces import Project

__all__ = ["PagesSettings", "Release", "ReleaseLink"]


class Release(Base, Stamped):
    """A tag that was released."""

    __tablename__ = "releases"
    __table_args__ = (UniqueConstraint("project_id", "tag"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    tag: Mapped[str]
    sha: Mapped[str]
    """The commit of the tag; stays when the tag is gone."""
    name: Mapped[str]
    description: Mapped[str | None] = mapped_column(default=None)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    released_at: Mapped[datetime] = mapped_column(default=now)
    milestone_ids: Mapped[list[int]] = mapped_column(default=list)

    project: Mapped[Project] = relationship()
    author: Mapped[User | None] = relationship()
    links: Mapped[list[ReleaseLink]] = relationship(
        order_by="ReleaseLink.id.desc()", cascade="all, delete-orphan", passive_deletes=True
    )


class ReleaseLink(Base):
    """A file that belongs to a release."""

    __tablename__ = "release_links"
    __table_args__ = (UniqueConstraint("release_id", "name"), UniqueConstraint("release_id", "url"))

    release_id: Mapped[int] = mapped_column(ForeignKey("releases.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    url: Mapped[str]
    filepath: Mapped[str | None] = mapped_column(default=None)
    """Path below the release under which the file is found as well."""
    link_type: Mapped[str] = mapped_column(default="other")
    """``other``, ``runbook``, ``image`` or ``package``."""


class PagesSettings(Base):
    """How a project's Pages site is served. A project without a row has the defaults."""

    __tablename__ = "pages_settings"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), unique=True)
    unique_domain_enabled: Mapped[bool] = mapped_column(default=True)
    https_only: Mapped[bool] = mapped_column(default=False)
    removed_through: Mapped[int] = mapped_column(default=0)
    """The newest job when the site was taken down: what it and older ones published is gone."""
