"""The templates, and how values look in them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pygit2
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from testbed.gitlab.core.clock import now
from testbed.gitlab.store import Container
from testbed.gitlab.web.drawings import icon
from testbed.gitlab.web.markup import markdown

__all__ = ["TEMPLATES", "address"]

_UNITS = ((86400 * 365, "year"), (86400 * 30, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))

STATUSES = {
    "created": ("Created", "created"),
    "waiting_for_resource": ("Waiting for resource", "pending"),
    "preparing": ("Preparing", "pending"),
    "pending": ("Pending", "pending"),
    "running": ("Running", "running"),
    "success": ("Passed", "success"),
    "failed": ("Failed", "failed"),
    "canceling": ("Cancelling", "canceled"),
    "canceled": ("Cancelled", "canceled"),
    "skipped": ("Skipped", "skipped"),
    "manual": ("Manual", "manual"),
    "scheduled": ("Delayed", "manual"),
    "blocked": ("Blocked", "manual"),
}
"""In words, and the look: its colour and its icon."""

REASONS = {
    "script_failure": "The script failed.",
    "runner_system_failure": "The runner failed.",
    "stuck_or_timeout_failure": "No runner took the job, or it fell silent.",
    "job_execution_timeout": "The job took longer than its limit.",
    "runner_unsupported": "The runner does not support what the job needs.",
    "missing_dependency_failure": "Artifacts of an earlier job are missing.",
    "downstream_pipeline_creation_failed": "The downstream pipeline could not be created.",
    "insufficient_bridge_permissions": "The user may not start the downstream pipeline.",
    "upstream_bridge_project_not_found": "The downstream project does not exist.",
    "unmet_prerequisites": "Something the job needs beforehand failed.",
    "archived_failure": "The project is archived.",
    "api_failure": "The runner could not reach the API.",
}

BLOCKS = {
    "not_approved": "Approvals are missing.",
    "draft_status": "It is a draft.",
    "commits_status": "There is nothing in it that the target branch has not.",
    "discussions_not_resolved": "Threads are not resolved.",
    "conflict": "The branches are in conflict.",
    "need_rebase": "The target branch went on; rebase the source branch.",
    "ci_still_running": "The pipeline still runs.",
    "ci_must_pass": "The pipeline has to succeed.",
}
"""What is in the way of a merge."""


def address(place: Container | str, *parts: object) -> str:
    """The path of a place's page, or of one below it."""
    path = quote(place if isinstance(place, str) else place.full_path)
    return f"/{path}/-/{'/'.join(quote(str(part)) for part in parts)}" if parts else f"/{path}"


def _ago(moment: datetime | None) -> Markup:
    """A moment relative to now, with the exact time at hand."""
    if moment is None:
        return Markup("<span>&ndash;</span>")
    seconds = (now() - moment).total_seconds()
    size, unit = next((each for each in _UNITS if abs(seconds) >= each[0]), (1, "second"))
    count = int(abs(seconds) // size)
    words = "just now"
    if unit != "second":
        distance = f"{count} {unit}{'' if count == 1 else 's'}"
        words = f"{distance} ago" if seconds > 0 else f"in {distance}"
    exact = moment.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat(timespec="seconds"), exact.strftime("%d %b %Y %H:%M:%S UTC"), words
    )


def _committed(commit: pygit2.Commit) -> datetime:
    return datetime.fromtimestamp(commit.commit_time, UTC)


def _duration(begin: datetime | None, end: datetime | None = None) -> str:
    """Hours, minutes and seconds between two moments; until now when it has not ended."""
    if begin is None:
        return "-"
    seconds = max(0, int(((end or now()) - begin).total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes:02d}:{seconds % 60:02d}"


def _size(count: int) -> str:
    if count < 1024:
        return f"{count} bytes"
    return f"{count / 1024:.1f} KiB" if count < 1024**2 else f"{count / 1024**2:.1f} MiB"


def _title(commit: pygit2.Commit) -> str:
    return commit.message.partition("\n")[0] or "(no message)"


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        address=address,
        ago=_ago,
        committed=_committed,
        markdown=markdown,
        query=lambda words: f"?{words}",
        size=_size,
        title_of=_title,
    )
    made.globals.update(
        address=address, duration=_duration, icon=icon, BLOCKS=BLOCKS, REASONS=REASONS, STATUSES=STATUSES
    )
    return made


TEMPLATES = _environment()
