"""Pipelines, their jobs, what jobs leave behind, and the machines that take them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from testbed.gitlab.core.clock import now
from testbed.gitlab.store.automation import Deployment, Environment, Runner
from testbed.gitlab.store.base import Base, Stamped
from testbed.gitlab.store.merge_requests import MergeRequest
from testbed.gitlab.store.people import User
from testbed.gitlab.store.spaces import Project

__all__ = ["Artifact", "Job", "Pipeline", "RunnerManager"]


class Pipeline(Base, Stamped):
    """One run of a project's pipeline for one commit."""

    __tablename__ = "pipelines"
    __table_args__ = (UniqueConstraint("project_id", "iid"), Index("ix_pipelines_project_id_sha", "project_id", "sha"))

    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"))
    iid: Mapped[int]
    sha: Mapped[str]
    before_sha: Mapped[str]
    ref: Mapped[str]
    """Name of the branch or tag, or ``refs/merge-requests/<iid>/head``."""
    tag: Mapped[bool] = mapped_column(default=False)
    protected: Mapped[bool] = mapped_column(default=False)
    """Whether the ref is protected, so that protected variables and runners are within reach."""
    source: Mapped[str]
    """``push``, ``web``, ``trigger``, ``schedule``, ``api``, ``merge_request_event``, ``parent_pipeline``, ``pipeline``
    or ``external``."""
    status: Mapped[str] = mapped_column(default="created", index=True)
    """``created``, ``waiting_for_resource``, ``preparing``, ``pending``, ``running``, ``success``, ``failed``,
    ``canceling``, ``canceled``, ``skipped``, ``manual`` or ``scheduled``."""
    compiled: Mapped[bool] = mapped_column(default=False)
    """Whether the configuration was read and the jobs are there (or `yaml_errors` says why not)."""
    name: Mapped[str | None] = mapped_column(default=None)
    yaml_errors: Mapped[str | None] = mapped_column(default=None)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    merge_request_id: Mapped[int | None] = mapped_column(
        ForeignKey("merge_requests.id", ondelete="SET NULL"), default=None, index=True
    )
    schedule_id: Mapped[int | None] = mapped_column(
        ForeignKey("pipeline_schedules.id", ondelete="SET NULL"), default=None
    )
    variables: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Given when it was started; key to ``{"value", "variable_type", "raw"}``."""
    inputs: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Values for the configuration's ``spec: inputs``."""
    includes: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    """What the ``trigger: include`` that started it names, in place of the project's configuration file."""
    auto_cancel: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """``workflow: auto_cancel`` of the configuration."""
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    finished_at: Mapped[datetime | None] = mapped_column(default=None)

    project: Mapped[Project] = relationship(lazy="joined")
    user: Mapped[User | None] = relationship()
    merge_request: Mapped[MergeRequest | None] = relationship()
    jobs: Mapped[list[Job]] = relationship(
        back_populates="pipeline", passive_deletes="all", order_by="Job.id", foreign_keys="Job.pipeline_id"
    )


class Job(Base, Stamped):
    """A job, a bridge to a downstream pipeline, or a status that an outside tool reported."""

    __tablename__ = "jobs"

    pipeline_id: Mapped[int] = mapped_column(ForeignKey("pipelines.id", ondelete="CASCADE"), index=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(default="build")
    """``build``, ``bridge`` or ``external`` (a commit status)."""
    name: Mapped[str]
    stage: Mapped[str]
    stage_index: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(default="created", index=True)
    when: Mapped[str] = mapped_column(default="on_success")
    """``on_success``, ``on_failure``, ``always``, ``manual`` or ``delayed``."""
    start_in_s: Mapped[int | None] = mapped_column(default=None)
    allow_failure: Mapped[bool] = mapped_column(default=False)
    allow_failure_codes: Mapped[list[int]] = mapped_column(default=list)
    needs: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)
    """``{"job", "artifacts", "optional"}`` of each, or nothing: then the stages before decide."""
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The expanded job of the configuration, as GitLab's CI YAML writes it: ``script``, ``before_script``,
    ``after_script``, ``image``, ``services``, ``artifacts``, ``cache``, ``environment``, ``variables``, ``retry``,
    ``timeout``, ``dependencies``, ``trigger``, ``release``, ``coverage``, ``resource_group``, ``interruptible`` ..."""
    tag_list: Mapped[list[str]] = mapped_column(default=list)
    runner_id: Mapped[int | None] = mapped_column(ForeignKey("runners.id", ondelete="SET NULL"), default=None)
    runner_system_id: Mapped[str | None] = mapped_column(default=None)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    environment_id: Mapped[int | None] = mapped_column(ForeignKey("environments.id", ondelete="SET NULL"), default=None)
    token_digest: Mapped[str | None] = mapped_column(default=None, unique=True)
    """Of the job token; it is made when a runner takes the job and is void once the job has ended."""
    retried: Mapped[bool] = mapped_column(default=False)
    """A later attempt with the same name took its place."""
    failure_reason: Mapped[str | None] = mapped_column(default=None)
    exit_code: Mapped[int | None] = mapped_column(default=None)
    coverage: Mapped[float | None] = mapped_column(default=None)
    target_url: Mapped[str | None] = mapped_column(default=None)
    description: Mapped[str | None] = mapped_column(default=None)
    trace_size: Mapped[int] = mapped_column(default=0)
    """Bytes received of the log; the log itself is a file."""
    queued_at: Mapped[datetime | None] = mapped_column(default=None)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    finished_at: Mapped[datetime | None] = mapped_column(default=None)
    heard_at: Mapped[datetime | None] = mapped_column(default=None)
    """Last sign of life of the runner; a job that is silent for too long fails."""
    erased_at: Mapped[datetime | None] = mapped_column(default=None)
    scheduled_at: Mapped[datetime | None] = mapped_column(default=None)
    downstream_id: Mapped[int | None] = mapped_column(ForeignKey("pipelines.id", ondelete="SET NULL"), default=None)
    """The pipeline that a bridge started."""
    deployment_id: Mapped[int | None] = mapped_column(ForeignKey("deployments.id", ondelete="SET NULL"), default=None)
    """What the job deploys; it follows the job's status."""

    pipeline: Mapped[Pipeline] = relationship(back_populates="jobs", foreign_keys=[pipeline_id])
    project: Mapped[Project] = relationship(lazy="joined")
    runner: Mapped[Runner | None] = relationship()
    user: Mapped[User | None] = relationship()
    environment: Mapped[Environment | None] = relationship()
    downstream: Mapped[Pipeline | None] = relationship(foreign_keys=[downstream_id])
    deployment: Mapped[Deployment | None] = relationship()
    artifacts: Mapped[list[Artifact]] = relationship(
        back_populates="job", passive_deletes="all", order_by="Artifact.id"
    )


class Artifact(Base):
    """A file that a job left: its archive, or one report. The bytes are a file named by the number."""

    __tablename__ = "job_artifacts"
    __table_args__ = (UniqueConstraint("job_id", "file_type"),)

    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    file_type: Mapped[str]
    """``archive``, ``metadata``, ``trace``, or the report's kind: ``junit``, ``terraform``, ``codequality`` ..."""
    file_format: Mapped[str]
    """``zip``, ``gzip`` or ``raw``."""
    filename: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=now)
    expire_at: Mapped[datetime | None] = mapped_column(default=None)

    job: Mapped[Job] = relationship(back_populates="artifacts")


class RunnerManager(Base):
    """A process that asks for jobs with a runner's token."""

    __tablename__ = "runner_managers"
    __table_args__ = (UniqueConstraint("runner_id", "system_id"),)

    runner_id: Mapped[int] = mapped_column(ForeignKey("runners.id", ondelete="CASCADE"))
    system_id: Mapped[str]
    info: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """As the runner sent it: ``version``, ``revision``, ``platform``, ``architecture``, ``executor`` ..."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    contacted_at: Mapped[datetime | None] = mapped_column(default=None)
