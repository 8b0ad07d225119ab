"""The runner protocol: what jobs leave, and what they get of jobs before."""

from __future__ import annotations

import tempfile
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.responses import FileResponse, Response

from testbed.gitlab.api.runner_access import calling_job, job_token
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import bad_request, forbidden, missing, rejected
from testbed.gitlab.core.job_tokens import running_job
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.pipelines import durations
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.pipelines.files import (
    MOST_ARTIFACT_BYTES,
    REPORT_FORMATS,
    artifact_file,
    sha256_of,
    store_artifact,
)
from testbed.gitlab.pipelines.payload import reports_of
from testbed.gitlab.pipelines.reports import artifact_of
from testbed.gitlab.store import Artifact, Job

__all__ = ["archive_response", "routes"]

routes = Routes()

MOST_UPLOAD = 1024 * 1024 * 1024
"""Bytes of a request, whatever a project allows."""

KEPT = "30 days"
"""How long artifacts stay where a job does not say."""


class Authorize(Params):
    """POST jobs/:id/artifacts/authorize."""

    token: str | None = None
    filesize: int | None = None
    artifact_type: str = "archive"


class Upload(Params):
    """POST jobs/:id/artifacts."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    token: str | None = None
    file: UploadFile | None = None
    expire_in: str | None = None
    artifact_type: str = "archive"
    artifact_format: Literal["zip", "gzip", "raw"] = "zip"


class Download(Params):
    """GET jobs/:id/artifacts."""

    token: str | None = None
    direct_download: bool = Field(default=False)


@routes.machine("POST", "/jobs/{job_id}/artifacts/authorize", status=200)
def authorize_upload(call: Call, params: Authorize) -> dict[str, Any]:
    """Whether a job may leave a file."""
    job = calling_job(call, params.token)
    _check(job, params.artifact_type, params.filesize or 0)
    return {"TempPath": tempfile.gettempdir(), "MaximumSize": _most(job)}


@routes.machine("POST", "/jobs/{job_id}/artifacts", status=201, most=MOST_UPLOAD)
def upload_artifact(call: Call, params: Upload) -> Response:
    """Keep a file of a job: its archive, or a report that it declares."""
    job = calling_job(call, params.token)
    job.heard_at = now()
    upload = params.file
    if upload is None:
        raise bad_request("Missing artifacts file!")
    kind = params.artifact_type
    _check(job, kind, upload.size or 0)
    if params.artifact_format != ("zip" if kind == "archive" else REPORT_FORMATS[kind]):
        raise rejected(400, "Invalid file format with specified file type")
    before = artifact_of(job, kind)
    if before is not None:
        # Sent once more, as the answer to the first time was lost?
        if before.sha256 != sha256_of(upload.file):
            raise rejected(400, "another artifact of the same type already exists")
        return Response("201", 201, media_type="application/json")
    artifact = Artifact(
        job=job, file_type=kind, file_format=params.artifact_format, filename=upload.filename or "artifacts"
    )
    store_artifact(call.forge.settings, call.session, artifact, upload.file, _expiry(params.expire_in))
    return Response("201", 201, media_type="application/json")


@routes.machine("GET", "/jobs/{job_id}/artifacts", status=200)
def download_dependency(call: Call, params: Download) -> Response:
    """The archive of a job, for a running job of the same project."""
    asking = running_job(call.session, job_token(call, params.token))
    wanted = call.session.get(Job, call.number("job_id", "Job"))
    if asking is None or wanted is None or wanted.project_id != asking.project_id:
        raise forbidden()
    return archive_response(call, wanted)


def archive_response(call: Call, job: Job) -> Response:
    """The archive of a job as a download.

    Raises:
        ApiError: 404 where there is none.
    """
    archive = artifact_of(job, "archive")
    if archive is None:
        raise missing()
    return FileResponse(
        artifact_file(call.forge.settings, archive), media_type="application/zip", filename=archive.filename
    )


def _check(job: Job, kind: str, size: int) -> None:
    if kind != "archive" and kind not in reports_of(job):
        raise rejected(400, f"400 Bad request - {kind} is no report that the job declares")
    if size > _most(job):
        raise rejected(413, "413 Request Entity Too Large")


def _most(job: Job) -> int:
    megabytes: int | None = setting(job.project, "max_artifacts_size")
    return megabytes * 1024 * 1024 if megabytes else MOST_ARTIFACT_BYTES


def _expiry(text: str | None) -> datetime | None:
    try:
        seconds = durations.seconds(text or KEPT)
    except ValueError as error:
        raise bad_request(str(error)) from None
    return None if seconds is None else now() + timedelta(seconds=seconds)
