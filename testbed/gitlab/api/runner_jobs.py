"""The runner protocol: taking jobs, sending their logs, saying how they end."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import select
from starlette.responses import PlainTextResponse, Response

from testbed.gitlab.api.runner_access import calling_job, calling_runner, job_token, note_contact
from testbed.gitlab.api.runner_registration import RunnerCall
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import ApiError, rejected
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.core.tokens import digest
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.files import trace_file
from testbed.gitlab.pipelines.moving import finish_job, start_job, takeable_jobs
from testbed.gitlab.pipelines.payload import FAILURE_REASONS, job_payload
from testbed.gitlab.pipelines.traces import MOST_TRACE_BYTES, append
from testbed.gitlab.pipelines.variables import for_runner
from testbed.gitlab.store import Runner

__all__ = ["routes"]

routes = Routes()

MOST_PIECE = 8 * 1024 * 1024
"""Bytes of log in one request; gitlab-runner sends at most one MiB."""

UPDATE_INTERVAL = "1"
"""Seconds between two pieces of a log, as asked of runners: people watch."""

_EMPTY_QUEUE = hashlib.sha256(b"").hexdigest()[:32]
"""What a runner that got nothing asks with again. The only one: a runner whose queue has something gets a job."""

_RANGE = re.compile(r"(?:bytes )?(\d+)-(\d*)")


class RequestJob(RunnerCall):
    """POST jobs/request."""

    last_update: str | None = None


class Output(Params):
    """What the runner sent of the log."""

    checksum: str | None = None
    bytesize: int | None = Field(None, ge=0)


class UpdateJob(Params):
    """PUT jobs/:id."""

    token: str | None = None
    state: Literal["running", "success", "failed"] | None = None
    failure_reason: str | None = None
    exit_code: int | None = None
    output: Output = Output()


class PatchTrace(Params):
    """Query of PATCH jobs/:id/trace."""

    token: str | None = None


def _nothing_new(forge: Forge, raw: dict[str, Any]) -> bool:
    """Whether the runner's queue is empty, as it saw it last; what happens to jobs of others is nothing new to it."""
    seen, token = raw.get("last_update"), raw.get("token")
    if seen != _EMPTY_QUEUE or not isinstance(token, str):
        return False
    with forge.database.read() as session:
        runner = session.scalar(select(Runner).where(Runner.digest == digest(token)))
        return runner is not None and not takeable_jobs(session, runner)


@routes.machine("POST", "/jobs/request", status=201, hold=_nothing_new)
def request_job(call: Call, params: RequestJob) -> dict[str, Any] | Response:
    """Hand out the job that waits longest. Writers take turns, so no job is handed out twice."""
    runner = calling_runner(call, params.token)
    note_contact(call, runner, params.system_id, params.info)
    for job in takeable_jobs(call.session, runner):
        token = start_job(call.forge, call.session, job, runner, params.system_id or "legacy")
        return job_payload(call.forge, call.session, job, token)
    return Response(status_code=204, headers={"X-GitLab-Last-Update": _EMPTY_QUEUE})


@routes.machine("PATCH", "/jobs/{job_id}/trace", status=202, raw=True, most=MOST_PIECE)
def patch_trace(call: Call, params: PatchTrace) -> Response:
    """Append a piece to the log, where it fits."""
    job = calling_job(call, params.token)
    job.heard_at = now()
    given = _RANGE.fullmatch(call.headers.get("content-range", ""))
    if given is None:
        raise rejected(400, "400 Missing header Content-Range")
    begin = int(given[1])
    if begin + len(call.body) > MOST_TRACE_BYTES:
        finish_job(call.forge, call.session, job, "failed", "trace_size_exceeded")
        raise ApiError(403, {"message": "403 Forbidden"}, {"Job-Status": job.status}).keeping_changes()
    token = job_token(call, params.token)
    hidden = [each["value"] for each in for_runner(call.forge, call.session, job.project, job) if each["masked"]]
    job.trace_size = append(trace_file(call.forge.settings, job), begin, call.body, [token, *hidden])
    headers = {"Job-Status": job.status, "Range": f"0-{job.trace_size}"}
    if job.trace_size != begin + len(call.body):
        raise ApiError(416, {"message": "416 Range Not Satisfiable"}, headers).keeping_changes()
    return Response(status_code=202, headers={**headers, "X-GitLab-Trace-Update-Interval": UPDATE_INTERVAL})


@routes.machine("PUT", "/jobs/{job_id}", status=200)
def update_job(call: Call, params: UpdateJob) -> Response:
    """Take note that a job goes on, or how it ended; not before all of its log is there."""
    job = calling_job(call, params.token)
    job.heard_at = now()
    status = 200
    if params.state in ("success", "failed"):
        if params.output.bytesize is not None and params.output.bytesize > job.trace_size:
            status = 412
        elif params.state == "success":
            finish_job(call.forge, call.session, job, "success", exit_code=params.exit_code)
        else:
            reason = params.failure_reason or "script_failure"
            known = reason if reason in FAILURE_REASONS else "unknown_failure"
            finish_job(call.forge, call.session, job, "failed", known, params.exit_code)
    headers = {"Job-Status": job.status, "X-GitLab-Trace-Update-Interval": UPDATE_INTERVAL}
    return PlainTextResponse(str(status), status, headers)
