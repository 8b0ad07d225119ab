"""Jobs: the log, which goes on by itself while the job runs, and what the job left."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload
from starlette.responses import FileResponse, JSONResponse, Response

from testbed.gitlab.api.pipeline_entities import readable_project
from testbed.gitlab.core.errors import not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.pipelines.cancelling import cancel_job
from testbed.gitlab.pipelines.files import artifact_file, trace_file
from testbed.gitlab.pipelines.reports import artifact_of
from testbed.gitlab.pipelines.retrying import play_job, retry_job
from testbed.gitlab.repositories.reading import resolve
from testbed.gitlab.store import Artifact, Job
from testbed.gitlab.web.rendering import address
from testbed.gitlab.web.summaries import MOVING, shows
from testbed.gitlab.web.terminal import assemble, pieces
from testbed.gitlab.web.views.pipelines import allowed_to_run, may_run
from testbed.gitlab.web.visits import Views, Visit

__all__ = ["views"]

views = Views()

WINDOW = 2 * 1024 * 1024
"""Bytes of a log that are shown at most; the window moves in halves of it."""


@dataclass(frozen=True, kw_only=True)
class _Log:
    """The part of a log that is shown."""

    begin: int
    """Bytes that are left out before it."""
    first: int
    """Number of its first line."""
    text: str
    size: int
    """Bytes of the whole log."""


@views.project("/jobs/{number}")
def job(visit: Visit) -> Response:
    """One job with its log."""
    found = _job(visit)
    if found.kind == "bridge":
        return visit.show("bridge.html", project=visit.project, job=found, shown=shows(visit, found.downstream))
    log = _log(visit, found)
    shown = pieces(log.text, log.first)
    attempts = select(Job).where(Job.pipeline_id == found.pipeline_id, Job.name == found.name).order_by(Job.id.desc())
    return visit.show(
        "job.html",
        project=visit.project,
        job=found,
        commit=resolve(visit.repository, found.pipeline.sha) if visit.reads_code else None,
        log=assemble(shown),
        have=len(shown),
        begin=log.begin,
        seen=log.size,
        live=found.status in MOVING,
        may_run=may_run(visit, found.pipeline),
        artifacts=[each for each in found.artifacts if _offered(visit, each)],
        attempts=list(visit.session.scalars(attempts).unique()),
        siblings=list(
            visit.session.scalars(
                select(Job)
                .where(Job.pipeline_id == found.pipeline_id, Job.stage == found.stage, Job.retried.is_(False))
                .order_by(Job.id)
            ).unique()
        ),
    )


@views.project("/jobs/{number}/trace.json")
def trace(visit: Visit) -> Response:
    """What came to a log since a page was made.

    The page says how many pieces it has, where its log begins, and how many bytes were there when it last asked.
    """
    found = _job(visit)
    query = visit.request.query_params
    live = found.status in MOVING
    have = int(query["have"]) if query.get("have", "").isdecimal() else 0
    file = trace_file(visit.forge.settings, found)
    if live and file.exists() and query.get("seen") == str(file.stat().st_size):
        return JSONResponse({"again": False, "have": have, "seen": int(query["seen"]), "live": True, "pieces": []})
    log = _log(visit, found)
    shown = pieces(log.text, log.first)
    return JSONResponse(
        {
            "again": query.get("begin") != str(log.begin) or have > len(shown),
            "have": len(shown),
            "seen": log.size,
            "live": live,
            "pieces": [{"into": piece.into, "html": piece.html} for piece in shown[have:]],
        }
    )


@views.project("/jobs/{number}/raw")
def raw(visit: Visit) -> Response:
    """The log as it came."""
    file = trace_file(visit.forge.settings, _job(visit))
    content = file.read_bytes() if file.exists() else b""
    return Response(content, media_type="text/plain; charset=utf-8")


@views.project("/jobs/{number}/artifacts/download")
def artifact(visit: Visit) -> Response:
    """What a job left, to be kept as a file."""
    wanted = visit.request.query_params.get("file_type", "archive")
    found = artifact_of(_job(visit), wanted)
    if found is None or not _offered(visit, found):
        raise not_found("Artifact")
    file = artifact_file(visit.forge.settings, found)
    if not file.exists():
        raise not_found("Artifact")
    return FileResponse(file, filename=found.filename, media_type="application/octet-stream")


@views.project("/jobs/{number}/play", method="POST")
def play(visit: Visit) -> Response:
    """Start a manual or delayed job now."""
    found = _job(visit)
    user = allowed_to_run(visit, found.pipeline)
    if found.status not in ("manual", "scheduled"):
        raise rejected(400, "This job does not wait for anybody to start it.")
    play_job(visit.forge, visit.session, found, user, {})
    return visit.go(address(visit.project, "jobs", found.id))


@views.project("/jobs/{number}/retry", method="POST")
def retry(visit: Visit) -> Response:
    """Run a job that has ended once more, and go to the new attempt."""
    found = _job(visit)
    user = allowed_to_run(visit, found.pipeline)
    if found.status not in ("success", "failed", "canceled") or found.retried or found.kind != "build":
        raise rejected(400, "This job cannot be retried: it has not ended, or another attempt took its place.")
    attempt = retry_job(visit.forge, visit.session, found, user)
    return visit.go(address(visit.project, "jobs", attempt.id))


@views.project("/jobs/{number}/cancel", method="POST")
def cancel(visit: Visit) -> Response:
    """Cancel a job."""
    found = _job(visit)
    allowed_to_run(visit, found.pipeline)
    cancel_job(visit.forge, visit.session, found)
    return visit.go(address(visit.project, "jobs", found.id))


def _offered(visit: Visit, artifact: Artifact) -> bool:
    """Whether an artifact is for the visitor: variables of later jobs are for those who may run jobs."""
    if artifact.file_type in ("trace", "metadata"):
        return False
    return artifact.file_type != "dotenv" or visit.level >= Level.DEVELOPER


def _job(visit: Visit) -> Job:
    readable_project(visit.call)
    number = visit.number("number", "Job")
    mine = select(Job).where(Job.project_id == visit.project.id, Job.id == number, Job.kind != "external")
    options = (joinedload(Job.pipeline), joinedload(Job.runner), joinedload(Job.environment), joinedload(Job.user))
    found = visit.session.scalar(mine.options(*options, selectinload(Job.artifacts)))
    if found is None:
        raise not_found("Job")
    return found


def _log(visit: Visit, job: Job) -> _Log:
    """The end of a log, up to its last whole line while the job runs."""
    file = trace_file(visit.forge.settings, job)
    content = file.read_bytes() if file.exists() else b""
    over = max(0, len(content) - WINDOW)
    begin = -(-over // (WINDOW // 2)) * (WINDOW // 2)
    if begin:
        begin = content.find(b"\n", begin) + 1
    text = content[begin:].decode(errors="replace")
    if text and not text.endswith("\n") and job.status not in MOVING:
        text += "\n"
    return _Log(begin=begin, first=content.count(b"\n", 0, begin) + 1, text=text, size=len(content))
