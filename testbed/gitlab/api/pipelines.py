"""Pipelines."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Select, and_, func, select

from testbed.gitlab.api.pipeline_entities import find_pipeline, pipeline_detail, readable_project
from testbed.gitlab.api.pipeline_summary import pipeline_summary
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Instant, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.pipelines.cancelling import cancel_pipeline
from testbed.gitlab.pipelines.files import drop_artifact, erase_trace
from testbed.gitlab.pipelines.launching import Wanted, given_variables, launch
from testbed.gitlab.pipelines.retrying import retry_pipeline
from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.store import Pipeline, User

__all__ = ["routes"]

routes = Routes()

RUNNING = ("running", "canceling")
WAITING = ("pending", "waiting_for_resource", "preparing", "created")
FINISHED = ("success", "failed", "canceled", "skipped")


class GivenVariable(Params):
    """A variable for one pipeline."""

    key: NotEmpty
    value: str = ""
    variable_type: Literal["env_var", "file"] = "env_var"


class CreatePipeline(Params):
    """POST projects/:id/pipeline."""

    ref: NotEmpty
    variables: list[GivenVariable] = Field(default_factory=list)
    inputs: dict[str, Any] = Field(default_factory=dict)


class ListPipelines(Params):
    """GET projects/:id/pipelines."""

    scope: Literal["running", "pending", "finished", "branches", "tags"] | None = None
    status: str | None = None
    source: str | None = None
    ref: str | None = None
    sha: str | None = None
    name: str | None = None
    username: str | None = None
    yaml_errors: bool | None = None
    updated_after: Instant | None = None
    updated_before: Instant | None = None
    created_after: Instant | None = None
    created_before: Instant | None = None
    order_by: Literal["id", "status", "ref", "updated_at", "user_id"] = "id"
    sort: Literal["asc", "desc"] = "desc"


class Latest(Params):
    """GET projects/:id/pipelines/latest."""

    ref: str | None = None


class Metadata(Params):
    """PUT projects/:id/pipelines/:pipeline_id/metadata."""

    name: NotEmpty


@routes.post("/projects/{id}/pipeline", reading=True)
def create_pipeline(call: Call, params: CreatePipeline) -> dict[str, Any]:
    """Start a pipeline for a branch or tag."""
    project = call.project(Level.DEVELOPER)
    variables = given_variables(each.model_dump() for each in params.variables)
    wanted = Wanted(ref=params.ref, source="api", variables=variables, inputs=params.inputs)
    return launch(call, project, call.actor, wanted, pipeline_detail)


@routes.get("/projects/{id}/pipelines")
def list_pipelines(call: Call, params: ListPipelines) -> Page:
    """The pipelines, newest first."""
    project = readable_project(call)
    statement = select(Pipeline).where(Pipeline.project_id == project.id, *_conditions(params))
    statement = _scoped(statement, params)
    column = getattr(Pipeline, params.order_by)
    statement = statement.order_by(column.asc() if params.sort == "asc" else column.desc(), Pipeline.id.desc())
    return call.page(statement, Pipeline.id, lambda row: {**pipeline_summary(row, call.forge), "name": row.name})


@routes.get("/projects/{id}/pipelines/latest")
def latest_pipeline(call: Call, params: Latest) -> dict[str, Any]:
    """The newest pipeline for the head of a branch or tag."""
    project = readable_project(call)
    ref = params.ref or project.default_branch
    commit = resolve(call.forge.storage.open(project.id), ref)
    newest = select(Pipeline).where(
        Pipeline.project_id == project.id,
        Pipeline.ref == ref,
        Pipeline.sha == (str(commit.id) if commit is not None else None),
        Pipeline.source != "parent_pipeline",
    )
    found = call.session.scalar(newest.order_by(Pipeline.id.desc()).limit(1))
    if found is None:
        raise forbidden()  # as GitLab answers: there is nothing that could be read
    return pipeline_detail(call, found)


@routes.get("/projects/{id}/pipelines/{pipeline_id}")
def get_pipeline(call: Call) -> dict[str, Any]:
    """One pipeline."""
    return pipeline_detail(call, find_pipeline(call, readable_project(call)))


@routes.get("/projects/{id}/pipelines/{pipeline_id}/variables")
def list_pipeline_variables(call: Call) -> list[dict[str, Any]]:
    """What was given when it was started; for maintainers, and for developers of their own pipelines."""
    project = call.project(Level.DEVELOPER)
    pipeline = find_pipeline(call, project)
    if call.level(project) < Level.MAINTAINER and pipeline.user_id != call.user.id:
        raise forbidden()
    return [
        {"variable_type": facts["variable_type"], "key": key, "value": facts["value"], "raw": facts["raw"]}
        for key, facts in pipeline.variables.items()
    ]


@routes.put("/projects/{id}/pipelines/{pipeline_id}/metadata")
def name_pipeline(call: Call, params: Metadata) -> dict[str, Any]:
    """Give a pipeline another name."""
    pipeline = find_pipeline(call, call.project(Level.DEVELOPER))
    pipeline.name = params.name
    call.session.flush()
    return pipeline_detail(call, pipeline)


@routes.post("/projects/{id}/pipelines/{pipeline_id}/retry")
def retry(call: Call) -> dict[str, Any]:
    """Run what failed or was cancelled once more."""
    pipeline = find_pipeline(call, call.project(Level.DEVELOPER))
    retry_pipeline(call.forge, call.session, pipeline, call.user)
    return pipeline_detail(call, pipeline)


@routes.post("/projects/{id}/pipelines/{pipeline_id}/cancel", status=200)
def cancel(call: Call) -> dict[str, Any]:
    """Cancel what has not ended."""
    pipeline = find_pipeline(call, call.project(Level.DEVELOPER))
    cancel_pipeline(call.forge, call.session, pipeline)
    return pipeline_detail(call, pipeline)


@routes.delete("/projects/{id}/pipelines/{pipeline_id}")
def delete_pipeline(call: Call) -> None:
    """Remove a pipeline with its jobs, their logs and their artifacts."""
    pipeline = find_pipeline(call, call.project(Level.OWNER))
    for job in pipeline.jobs:
        for artifact in list(job.artifacts):
            drop_artifact(call.forge.settings, call.session, artifact)
        erase_trace(call.forge.settings, call.session, job)
    call.session.flush()
    call.session.delete(pipeline)


def _conditions(params: ListPipelines) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name in ("status", "ref", "sha", "name"):
        value = getattr(params, name)
        if value is not None:
            found.append(getattr(Pipeline, name) == value)
    child = Pipeline.source == "parent_pipeline"
    found.append(Pipeline.source == params.source if params.source else ~child)
    if params.username is not None:
        found.append(Pipeline.user.has(User.username == params.username))
    if params.yaml_errors is not None:
        found.append(Pipeline.yaml_errors.is_not(None) if params.yaml_errors else Pipeline.yaml_errors.is_(None))
    for column in ("updated", "created"):
        after, before = getattr(params, f"{column}_after"), getattr(params, f"{column}_before")
        moment = getattr(Pipeline, f"{column}_at")
        found += [moment > after] if after else []
        found += [moment < before] if before else []
    return found


def _scoped(statement: Select[Pipeline], params: ListPipelines) -> Select[Pipeline]:
    match params.scope:
        case "running":
            return statement.where(Pipeline.status.in_(RUNNING))
        case "pending":
            return statement.where(Pipeline.status.in_(WAITING))
        case "finished":
            return statement.where(Pipeline.status.in_(FINISHED))
        case "branches" | "tags":
            tag = params.scope == "tags"
            newest = (
                select(func.max(Pipeline.id))
                .where(Pipeline.tag.is_(tag), Pipeline.merge_request_id.is_(None))
                .group_by(Pipeline.project_id, Pipeline.ref)
            )
            return statement.where(and_(Pipeline.tag.is_(tag), Pipeline.id.in_(newest)))
        case _:
            return statement
