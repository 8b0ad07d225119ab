"""Variables, runners, agents, environments, deployments, schedules and triggers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.core.clock import now
from testbed.gitlab.store.base import Base, Stamped
from testbed.gitlab.store.people import User
from testbed.gitlab.store.spaces import Owned, Project

__all__ = ["Agent", "AgentToken", "Deployment", "Environment", "Runner", "Schedule", "Trigger", "Variable"]


class Variable(Base, Owned):
    """A CI/CD variable."""

    __tablename__ = "variables"
    __table_args__ = (
        UniqueConstraint("namespace_id", "key", "environment_scope"),
        UniqueConstraint("project_id", "key", "environment_scope"),
    )

    key: Mapped[str]
    value: Mapped[str]
    variable_type: Mapped[str] = mapped_column(default="env_var")
    protected: Mapped[bool] = mapped_column(default=False)
    masked: Mapped[bool] = mapped_column(default=False)
    hidden: Mapped[bool] = mapped_column(default=False)
    raw: Mapped[bool] = mapped_column(default=False)
    environment_scope: Mapped[str] = mapped_column(default="*")
    description: Mapped[str | None] = mapped_column(default=None)


class Runner(Base, Owned, Stamped):
    """A runner made with the authentication-token flow; an instance runner has no owner."""

    __tablename__ = "runners"

    runner_type: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    creator_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    description: Mapped[str | None] = mapped_column(default=None)
    paused: Mapped[bool] = mapped_column(default=False)
    locked: Mapped[bool] = mapped_column(default=False)
    run_untagged: Mapped[bool] = mapped_column(default=True)
    tag_list: Mapped[list[str]] = mapped_column(default=list)
    access_level: Mapped[str] = mapped_column(default="not_protected")
    maximum_timeout: Mapped[int | None] = mapped_column(default=None)
    maintenance_note: Mapped[str | None] = mapped_column(default=None)
    contacted_at: Mapped[datetime | None] = mapped_column(default=None)
    project_ids: Mapped[list[int]] = mapped_column(default=list)
    """Further projects that a project runner was enabled in."""

    creator: Mapped[User | None] = relationship()


class Agent(Base, Stamped):
    """A GitLab agent for Kubernetes."""

    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str]
    created_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    project: Mapped[Project] = relationship(lazy="joined")


class AgentToken(Base):
    """A token that an agent registers with."""

    __tablename__ = "agent_tokens"

    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    description: Mapped[str | None] = mapped_column(default=None)
    digest: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str] = mapped_column(default="active")
    created_at: Mapped[datetime] = mapped_column(default=now)
    created_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    last_used_at: Mapped[datetime | None] = mapped_column(default=None)


class Environment(Base, Stamped):
    """Something a pipeline deploys to."""

    __tablename__ = "environments"
    __table_args__ = (UniqueConstraint("project_id", "name"), UniqueConstraint("project_id", "slug"))

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    name: Mapped[str]
    slug: Mapped[str]
    description: Mapped[str | None] = mapped_column(default=None)
    external_url: Mapped[str | None] = mapped_column(default=None)
    state: Mapped[str] = mapped_column(default="available")
    tier: Mapped[str]
    cluster_agent_id: Mapped[int | None] = mapped_column(ForeignKey("agents.id", ondelete="SET NULL"), default=None)
    kubernetes_namespace: Mapped[str | None] = mapped_column(default=None)
    flux_resource_path: Mapped[str | None] = mapped_column(default=None)
    auto_stop_setting: Mapped[str] = mapped_column(default="always")
    auto_stop_at: Mapped[datetime | None] = mapped_column(default=None)

    cluster_agent: Mapped[Agent | None] = relationship()


class Deployment(Base, Stamped):
    """A commit on its way to an environment."""

    __tablename__ = "deployments"
    __table_args__ = (UniqueConstraint("project_id", "iid"),)

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    environment_id: Mapped[int] = mapped_column(ForeignKey("environments.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    iid: Mapped[int]
    ref: Mapped[str]
    sha: Mapped[str]
    tag: Mapped[bool]
    status: Mapped[str]
    finished_at: Mapped[datetime | None] = mapped_column(default=None)

    environment: Mapped[Environment] = relationship()
    user: Mapped[User | None] = relationship()


class Schedule(Base, Stamped):
    """A pipeline schedule."""

    __tablename__ = "pipeline_schedules"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    description: Mapped[str]
    ref: Mapped[str]
    cron: Mapped[str]
    cron_timezone: Mapped[str] = mapped_column(default="UTC")
    active: Mapped[bool] = mapped_column(default=True)
    next_run_at: Mapped[datetime | None] = mapped_column(default=None)
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Key to ``{"value", "variable_type", "raw"}``."""

    owner: Mapped[User | None] = relationship()


class Trigger(Base, Stamped):
    """A token that starts pipelines. Its owner is shown it again, so it cannot be kept as a digest."""

    __tablename__ = "pipeline_triggers"

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    description: Mapped[str]
    token: Mapped[str] = mapped_column(unique=True)
    last_used: Mapped[datetime | None] = mapped_column(default=None)

    owner: Mapped[User | None] = relationship()
