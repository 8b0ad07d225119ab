"""Artifacts of jobs, for people and tools."""

from __future__ import annotations

import mimetypes
from typing import Any
from urllib.parse import quote

from sqlalchemy import select
from starlette.responses import Response, StreamingResponse

from testbed.gitlab.api.pipeline_entities import find_job, job_entity, readable_project
from testbed.gitlab.api.runner_artifacts import archive_response
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import missing, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.pipelines.files import archived_file, drop_artifact
from testbed.gitlab.pipelines.reports import artifact_of
from testbed.gitlab.store import Artifact, Job, Pipeline, Project

__all__ = ["routes"]

routes = Routes()


class OfRef(Params):
    """Query of what asks for the newest job of a ref."""

    job: NotEmpty


@routes.get("/projects/{id}/jobs/artifacts/{ref_name}/download")
def download_of_ref(call: Call, params: OfRef) -> Response:
    """The archive of a job in the latest successful pipeline of a branch or tag."""
    return archive_response(call, _latest(call, readable_project(call), params.job))


@routes.get("/projects/{id}/jobs/artifacts/{ref_name}/raw/{artifact_path:path}")
def file_of_ref(call: Call, params: OfRef) -> Response:
    """One file of that archive."""
    return _file(call, _latest(call, readable_project(call), params.job))


@routes.get("/projects/{id}/jobs/{job_id}/artifacts")
def download_archive(call: Call) -> Response:
    """The archive of a job."""
    return archive_response(call, find_job(call, readable_project(call)))


@routes.get("/projects/{id}/jobs/{job_id}/artifacts/{artifact_path:path}")
def download_file(call: Call) -> Response:
    """One file of a job's archive."""
    return _file(call, find_job(call, readable_project(call)))


@routes.post("/projects/{id}/jobs/{job_id}/artifacts/keep", status=200)
def keep_artifacts(call: Call) -> dict[str, Any]:
    """Let the artifacts of a job never expire."""
    job = find_job(call, call.project(Level.DEVELOPER))
    if artifact_of(job, "archive") is None:
        raise missing()
    for artifact in job.artifacts:
        artifact.expire_at = None
    return job_entity(call, job)


@routes.delete("/projects/{id}/jobs/{job_id}/artifacts")
def delete_artifacts(call: Call) -> None:
    """Remove the archive and the reports of a job."""
    job = find_job(call, call.project(Level.MAINTAINER))
    for artifact in job.artifacts:
        drop_artifact(call.forge.settings, call.session, artifact)


@routes.delete("/projects/{id}/artifacts", status=202)
def delete_all_artifacts(call: Call) -> None:
    """Remove all artifacts of a project."""
    project = call.project(Level.MAINTAINER)
    for artifact in call.session.scalars(select(Artifact).join(Job).where(Job.project_id == project.id)):
        drop_artifact(call.forge.settings, call.session, artifact)


def _latest(call: Call, project: Project, name: str) -> Job:
    """The job of that name in the latest successful pipeline of the ref."""
    fitting = (
        select(Job)
        .join(Pipeline, Job.pipeline_id == Pipeline.id)
        .where(
            Pipeline.project_id == project.id,
            Pipeline.ref == call.path["ref_name"],
            Pipeline.status == "success",
            Job.name == name,
            Job.status == "success",
        )
        .order_by(Pipeline.id.desc(), Job.id.desc())
    )
    found = call.session.scalar(fitting.limit(1))
    if found is None:
        raise not_found()
    return found


def _file(call: Call, job: Job) -> Response:
    name = call.path["artifact_path"]
    archive = artifact_of(job, "archive")
    content = archived_file(call.forge.settings, archive, name) if archive is not None else None
    if content is None:
        raise missing()
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    label = quote(name.rpartition("/")[2])
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{label}", "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(content, headers=headers, media_type=kind)
