"""Jobs of pipelines."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from sqlalchemy import Select, select
from starlette.responses import FileResponse, PlainTextResponse, Response

from testbed.gitlab.api.pipeline_entities import bridge_entity, find_job, find_pipeline, job_entity, readable_project
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import bad_request, forbidden, parameter_error
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import CommaSeparated, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.pipelines.cancelling import cancel_job
from testbed.gitlab.pipelines.files import drop_artifact, erase_trace, trace_file
from testbed.gitlab.pipelines.guarding import may_deploy
from testbed.gitlab.pipelines.launching import may_set_variables
from testbed.gitlab.pipelines.retrying import play_job, retry_job
from testbed.gitlab.pipelines.statuses import COMPLETED
from testbed.gitlab.store import Job

__all__ = ["routes"]

routes = Routes()

STATUSES = (
    "created",
    "waiting_for_resource",
    "preparing",
    "waiting_for_callback",
    "pending",
    "running",
    "success",
    "failed",
    "canceling",
    "canceled",
    "skipped",
    "manual",
    "scheduled",
)


class ListJobs(Params):
    """GET of a list of jobs."""

    scope: CommaSeparated = Field(default_factory=list)
    include_retried: bool = False


class CancelJob(Params):
    """POST .../cancel."""

    force: bool = False


class PlayVariable(Params):
    """A variable for one run of a manual job."""

    key: NotEmpty
    value: str


class PlayJob(Params):
    """POST .../play."""

    job_variables_attributes: list[PlayVariable] = Field(default_factory=list)


@routes.get("/projects/{id}/jobs")
def list_jobs(call: Call, params: ListJobs) -> Page:
    """The jobs of a project, newest first."""
    project = readable_project(call)
    mine = select(Job).where(Job.project_id == project.id, Job.kind == "build").order_by(Job.id.desc())
    return call.page(_scoped(mine, params), Job.id, lambda row: job_entity(call, row))


@routes.get("/projects/{id}/pipelines/{pipeline_id}/jobs")
def list_pipeline_jobs(call: Call, params: ListJobs) -> Page:
    """The jobs of a pipeline; of several attempts the last one."""
    pipeline = find_pipeline(call, readable_project(call))
    mine = select(Job).where(Job.pipeline_id == pipeline.id, Job.kind == "build").order_by(Job.id.desc())
    if not params.include_retried:
        mine = mine.where(Job.retried.is_(False))
    return call.page(_scoped(mine, params), Job.id, lambda row: job_entity(call, row))


@routes.get("/projects/{id}/pipelines/{pipeline_id}/bridges")
def list_bridges(call: Call, params: ListJobs) -> Page:
    """The jobs of a pipeline that start other pipelines."""
    pipeline = find_pipeline(call, readable_project(call))
    mine = select(Job).where(Job.pipeline_id == pipeline.id, Job.kind == "bridge", Job.retried.is_(False))
    return call.page(_scoped(mine.order_by(Job.id.desc()), params), Job.id, lambda row: bridge_entity(call, row))


@routes.get("/projects/{id}/jobs/{job_id}")
def get_job(call: Call) -> dict[str, Any]:
    """One job."""
    return job_entity(call, find_job(call, readable_project(call)))


@routes.get("/projects/{id}/jobs/{job_id}/trace")
def get_trace(call: Call) -> Response:
    """The log of a job, as far as it has come."""
    file = trace_file(call.forge.settings, find_job(call, readable_project(call)))
    return FileResponse(file, media_type="text/plain") if file.exists() else PlainTextResponse("")


@routes.post("/projects/{id}/jobs/{job_id}/cancel")
def cancel(call: Call, params: CancelJob) -> dict[str, Any]:
    """Cancel a job that has not ended; `force` does not wait for the runner."""
    project = call.project(Level.DEVELOPER)
    if params.force and call.level(project) < Level.MAINTAINER:
        raise forbidden()
    job = find_job(call, project)
    cancel_job(call.forge, call.session, job, force=params.force)
    return job_entity(call, job)


@routes.post("/projects/{id}/jobs/{job_id}/retry")
def retry(call: Call) -> dict[str, Any]:
    """Run a job that has ended once more; the new attempt is answered."""
    job = find_job(call, call.project(Level.DEVELOPER))
    if job.status not in COMPLETED - {"skipped"} or job.retried:
        raise forbidden("Job is not retryable")
    return job_entity(call, retry_job(call.forge, call.session, job, call.user))


@routes.post("/projects/{id}/jobs/{job_id}/play", status=200)
def play(call: Call, params: PlayJob) -> dict[str, Any]:
    """Start a manual or delayed job."""
    project = call.project(Level.DEVELOPER)
    job = find_job(call, project)
    if job.status not in ("manual", "scheduled"):
        raise bad_request("Unplayable Job")
    if not may_deploy(call.session, job, call.user):
        raise forbidden()
    variables = {each.key: each.value for each in params.job_variables_attributes}
    if variables and not may_set_variables(project, call.level(project)):
        raise forbidden()
    play_job(call.forge, call.session, job, call.user, variables)
    return job_entity(call, job)


@routes.post("/projects/{id}/jobs/{job_id}/erase")
def erase(call: Call) -> dict[str, Any]:
    """Remove the log and the artifacts of a job that has ended."""
    project = call.project(Level.DEVELOPER)
    job = find_job(call, project)
    if call.level(project) < Level.MAINTAINER and job.user_id != call.user.id:
        raise forbidden()
    if job.status not in COMPLETED or job.erased_at is not None:
        raise forbidden("Job is not erasable!")
    for artifact in list(job.artifacts):
        drop_artifact(call.forge.settings, call.session, artifact)
    erase_trace(call.forge.settings, call.session, job)
    job.erased_at = now()
    call.session.flush()
    call.session.refresh(job)
    return job_entity(call, job)


def _scoped(statement: Select[Job], params: ListJobs) -> Select[Job]:
    unknown = set(params.scope) - set(STATUSES)
    if unknown:
        raise parameter_error("scope does not have a valid value")
    return statement.where(Job.status.in_(params.scope)) if params.scope else statement
