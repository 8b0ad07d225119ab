"""Job tokens: whom they stand for, which endpoints know them, and which projects let them in."""

from __future__ import annotations

import re
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.tokens import digest
from testbed.gitlab.store import Job, JobTokenAllowed, JobTokenScope, Project

__all__ = ["ACTIVE", "JOB_TOKEN_PREFIX", "admits", "reaches", "running_job"]

JOB_TOKEN_PREFIX = "glcbt-"  # noqa: S105 - the beginning that all of them have

ACTIVE = ("running", "canceling")
"""Statuses of a job that a runner works on."""

_IN_PROJECTS = {
    "GET": (
        r"repository/branches",
        r"repository/changelog",
        r"repository/commits/\{sha\}(/merge_requests)?",
        r"repository/files/\{\w+(:path)?\}/raw",
        r"repository/tags",
        r"merge_requests(/\{\w+\}(/notes(/\{\w+\})?)?)?",
    ),
    "POST": (r"trigger/pipeline", r"ref/\{\w+(:path)?\}/trigger/pipeline"),
    "PUT": (r"pipelines/\{\w+\}/metadata",),
}
"""What GitLab's list of job token access names beside whole families, by method: patterns of paths in projects."""

_FAMILIES = (
    r"(deployments|environments|packages|registry/repositories|releases|secure_files)(/.*)?",
    r"jobs/\{\w+\}/artifacts(/.*)?",
    r"jobs/artifacts(/.*)?",
    r"artifacts",
)
"""Families of which GitLab's list says: all endpoints."""

_ALONE = frozenset({("GET", "/job"), ("GET", "/job/allowed_agents")})


@cache
def reaches(method: str, path: str) -> bool:
    """Whether an endpoint, given with its path's placeholders, takes job tokens."""
    if (method, path) in _ALONE:
        return True
    _, found, tail = path.partition("/projects/{id}/")
    patterns = (*_FAMILIES, *_IN_PROJECTS.get("GET" if method == "HEAD" else method, ()))
    return bool(found) and any(re.fullmatch(pattern, tail) for pattern in patterns)


def running_job(session: Session, token: str) -> Job | None:
    """The job that a token was made for, while a runner works on it."""
    return session.scalar(select(Job).where(Job.token_digest == digest(token), Job.status.in_(ACTIVE)))


def admits(session: Session, job: Job, project: Project) -> bool:
    """Whether a project lets in the tokens of a job: its own do always."""
    if job.project_id == project.id:
        return True
    scope = session.scalar(select(JobTokenScope).where(JobTokenScope.project_id == project.id))
    if scope is not None and not scope.inbound_enabled:
        return True
    listed = JobTokenAllowed.of(job.project, *job.project.namespace.lineage())
    return session.scalar(select(JobTokenAllowed.id).where(JobTokenAllowed.source_id == project.id, listed)) is not None
