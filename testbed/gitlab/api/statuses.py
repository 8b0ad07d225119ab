"""Commit statuses: what outside tools say about commits."""

from __future__ import annotations

from typing import Any, Literal

import pygit2
from pydantic import Field
from sqlalchemy import select

from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.api.pipeline_entities import readable_project
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.pipelines.processing import process, set_status
from testbed.gitlab.pipelines.starting import Occasion, draft, note
from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.repositories.rules import BRANCHES, TAGS
from testbed.gitlab.repositories.writing import may_push
from testbed.gitlab.store import Job, Pipeline, Project

__all__ = ["routes"]

routes = Routes()

STAGE, STAGE_INDEX = "external", 1_000_000
"""Where statuses of outside tools stand: after all stages."""

OPEN = ("created", "pending", "running")
"""A status that stands at one of these is changed; after that a new one begins."""

# What each wanted state can follow, with GitLab's name of the transition.
_TRANSITIONS = {
    "pending": ("enqueue", ("created",)),
    "running": ("run", ("created", "pending")),
    "success": ("success", OPEN),
    "failed": ("drop", OPEN),
    "canceled": ("cancel", OPEN),
    "skipped": ("skip", ("created", "pending")),
}


class SetStatus(Params):
    """POST projects/:id/statuses/:sha."""

    state: Literal["pending", "running", "success", "failed", "canceled", "skipped"]
    ref: str | None = None
    name: str | None = Field(None, max_length=255)
    context: str | None = Field(None, max_length=255)
    target_url: str | None = None
    description: str | None = Field(None, max_length=255)
    coverage: float | None = None
    pipeline_id: int | None = None


class ListStatuses(Params):
    """GET projects/:id/repository/commits/:sha/statuses."""

    ref: str | None = None
    stage: str | None = None
    name: str | None = None
    pipeline_id: int | None = None
    all: bool = False
    order_by: Literal["id", "pipeline_id"] = "id"
    sort: Literal["asc", "desc"] = "asc"


def status_entity(call: Call, job: Job) -> dict[str, Any]:
    """A job or an outside tool's status, as a status of its commit."""
    return {
        "id": job.id,
        "sha": job.pipeline.sha,
        "ref": job.pipeline.ref,
        "status": job.status,
        "name": job.name,
        "target_url": job.target_url,
        "description": job.description,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "allow_failure": job.allow_failure,
        "coverage": job.coverage,
        "pipeline_id": job.pipeline_id,
        "author": user_basic(job.user, call.forge),
    }


@routes.get("/projects/{id}/repository/commits/{sha}/statuses")
def list_statuses(call: Call, params: ListStatuses) -> Page:
    """The statuses of a commit; of several with one name the last one."""
    project = readable_project(call)
    commit = _commit(call, project)
    mine = (
        select(Job)
        .join(Pipeline, Job.pipeline_id == Pipeline.id)
        .where(Pipeline.project_id == project.id, Pipeline.sha == str(commit.id))
    )
    if not params.all:
        mine = mine.where(Job.retried.is_(False))
    columns = {"ref": Pipeline.ref, "stage": Job.stage, "name": Job.name, "pipeline_id": Job.pipeline_id}
    for parameter, attribute in columns.items():
        value = getattr(params, parameter)
        if value is not None:
            mine = mine.where(attribute == value)
    column = Job.pipeline_id if params.order_by == "pipeline_id" else Job.id
    mine = mine.order_by(column.desc() if params.sort == "desc" else column.asc(), Job.id)
    return call.page(mine, Job.id, lambda row: status_entity(call, row))


@routes.post("/projects/{id}/statuses/{sha}")
def set_commit_status(call: Call, params: SetStatus) -> dict[str, Any]:
    """Say something about a commit: in its newest pipeline, or in one that is made for it."""
    project = call.project(Level.DEVELOPER)
    commit = _commit(call, project)
    pipeline = _pipeline(call, project, commit, params)
    name = params.name or params.context or "default"
    same = select(Job).where(
        Job.pipeline_id == pipeline.id, Job.name == name, Job.kind == "external", Job.retried.is_(False)
    )
    found = call.session.scalar(same)
    if found is None or found.status not in OPEN:
        found = _begin(call, pipeline, name, found)
    _check_transition(found.status, params.state)
    for attribute in ("target_url", "description", "coverage"):
        value = getattr(params, attribute)
        if value is not None:
            setattr(found, attribute, value)
    set_status(call.forge, call.session, found, params.state)
    process(call.forge, call.session, pipeline)
    return status_entity(call, found)


def _begin(call: Call, pipeline: Pipeline, name: str, before: Job | None) -> Job:
    if before is not None:
        before.retried = True
    return call.add(
        Job(
            pipeline_id=pipeline.id,
            project_id=pipeline.project_id,
            kind="external",
            name=name,
            stage=STAGE,
            stage_index=STAGE_INDEX,
            user_id=call.user.id,
        )
    )


def _check_transition(current: str, wanted: str) -> None:
    event, allowed = _TRANSITIONS[wanted]
    if current not in allowed:
        raise rejected(
            400,
            f"Cannot transition status via :{event} from :{current} "
            f'(Reason(s): Status cannot transition via "{event}")',
        )


def _commit(call: Call, project: Project) -> pygit2.Commit:
    found = resolve(call.forge.storage.open(project.id), call.path["sha"])
    if found is None:
        raise not_found("Commit")
    return found


def _pipeline(call: Call, project: Project, commit: pygit2.Commit, params: SetStatus) -> Pipeline:
    """The pipeline that a status goes into: the commit's newest that fits, else one of its own."""
    sha = str(commit.id)
    fitting = select(Pipeline).where(
        Pipeline.project_id == project.id, Pipeline.sha == sha, Pipeline.source != "parent_pipeline"
    )
    if params.ref is not None:
        fitting = fitting.where(Pipeline.ref == params.ref.removeprefix(BRANCHES).removeprefix(TAGS))
    if params.pipeline_id is not None:
        fitting = fitting.where(Pipeline.id == params.pipeline_id)
    found = call.session.scalar(fitting.order_by(Pipeline.id.desc()).limit(1))
    if found is None and params.pipeline_id is not None:
        raise not_found("Pipeline for pipeline_id, sha and ref")
    ref, tag = (found.ref, found.tag) if found is not None else _ref(call, project, commit, params.ref)
    if not tag and not may_push(call, project, ref):
        raise forbidden()
    if found is not None:
        return found
    drafted = draft(call.session, project, call.user, Occasion(source="external", ref=ref, sha=sha, tag=tag))
    drafted.compiled = True
    return note(call.forge, call.session, drafted)


def _ref(call: Call, project: Project, commit: pygit2.Commit, wanted: str | None) -> tuple[str, bool]:
    """The branch or tag that a status is for, and whether it is a tag."""
    references = call.forge.storage.open(project.id).references
    if wanted is not None:
        name = wanted.removeprefix(BRANCHES).removeprefix(TAGS)
        return name, BRANCHES + name not in references and TAGS + name in references
    for reference in references.iterator():
        if reference.name.startswith(BRANCHES) and reference.target == commit.id:
            return reference.shorthand, False
    branches = call.forge.storage.open(project.id).branches.with_commit(commit)
    for name in branches:
        return name, False
    raise not_found("References for commit")
