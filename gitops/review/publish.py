"""Puts the review where people look: one note per merge request, and a commit status per stack."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from time import sleep
from typing import Any, Final

import gitlab
import requests
from gitlab.v4.objects import Project, ProjectMergeRequest, ProjectMergeRequestNote

from gitops.connection import gitlab_asked
from gitops.errors import CommandError
from gitops.pulumi.plan import CHANGES, Plan
from gitops.review.note import is_ours

__all__ = ["Publication", "publish_note", "publish_status"]

_COMMIT: Final = re.compile(r"<!-- bighpc:review (\{.*?\}) -->")
_ATTEMPTS: Final = 3
_PAUSES_S: Final = (0.5, 1, 2, 4, 8, 16, 32)
"""Between attempts to write."""
_BUSY: Final = (429, 500, 502, 503, 504)
_ONCE: Final[Mapping[str, Any]] = {"retry_transient_errors": False, "obey_rate_limit": False}
"""For what must not be repeated without having looked again."""
_AGAIN: Final = "Run the job again when GitLab answers."


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What became of the note."""

    url: str
    superseded_by: str | None
    """The newer commit that the merge request is at; then the note was left alone."""


def publish_note(project: Project, number: int, body: str, commit: str) -> Publication:
    """Write the review into its note of the merge request, unless the merge request has moved on.

    GitLab has no conditional update. So nothing is written without having looked at the head of the merge request just
    before, also when GitLab was busy the first time, and the note is read again afterwards: of two pipelines, the one
    whose commit is the head writes last.

    Args:
        project: the merge request's project.
        number: the merge request's ``iid``.
        body: the note.
        commit: the commit that the review describes.

    Raises:
        CommandError: when GitLab refuses, or is busy for a minute.
    """
    overwritten = 0
    for pause in (*_PAUSES_S, None):
        try:
            published = _attempt(project.mergerequests.get(number), body, commit)
            if published is not None:
                return published
            overwritten += 1
        except gitlab.GitlabError as error:
            if pause is None or error.response_code not in _BUSY:
                raise CommandError(
                    f"GitLab answered {error.response_code} to the note on !{number}: {error.error_message}",
                    "Look whether the token has the scope api and its user the role Reporter or more in the project.",
                ) from None
        except requests.RequestException as error:
            raise CommandError(f"GitLab does not answer: {error}", _AGAIN) from None
        if pause is None or overwritten == _ATTEMPTS:
            break
        sleep(pause)
    raise CommandError(
        f"the note on !{number} was overwritten {overwritten} times by another pipeline",
        "Run the job again when the other pipelines have ended.",
    )


def _attempt(request: ProjectMergeRequest, body: str, commit: str) -> Publication | None:
    """Write the note once; None when another pipeline has overwritten it meanwhile."""
    if request.sha != commit and _newer(request, commit):
        return Publication(url=request.web_url, superseded_by=request.sha)
    number: int = _written(request, body).id
    if _commit_of(request.notes.get(number).body) != commit:
        return None
    return Publication(url=f"{request.web_url}#note_{number}", superseded_by=None)


def publish_status(project: Project, plan: Plan, commit: str, job_url: str | None) -> None:
    """Set the commit status ``pulumi/<stack>``.

    Raises:
        CommandError: when GitLab refuses.
    """
    counts = ", ".join(f"{plan.counts[word]} to {word}" for word in CHANGES if plan.counts[word])
    status: dict[str, Any] = {
        "state": "failed" if plan.failed else "success",
        "name": f"pulumi/{plan.stack}",
        "description": (_why(plan) or counts or "nothing would change")[:140],
    }
    if job_url:
        status["target_url"] = job_url
    with gitlab_asked(
        f"to the status of {commit[:8]}",
        "Look whether the commit is in the project and GITLAB_TOKEN's user has the role Developer or more.",
        later=_AGAIN,
    ):
        project.commits.get(commit, lazy=True).statuses.create(status)


def _why(plan: Plan) -> str:
    if plan.errors:
        return f"preview failed: {plan.errors[0].splitlines()[0]}"
    violated = [verdict.policy for verdict in plan.verdicts if verdict.mandatory]
    return f"violates {', '.join(dict.fromkeys(violated))}" if violated else ""


def _newer(request: ProjectMergeRequest, commit: str) -> bool:
    """Whether the merge request had the commit as its head, and has another one now."""
    return commit in {version.head_commit_sha for version in request.diffs.list(iterator=True)}


def _written(request: ProjectMergeRequest, body: str) -> ProjectMergeRequestNote:
    """The one note of ours, with the text; further ones, which a race can leave, are removed."""
    found = _ours(request)
    if not found:
        request.notes.create({"body": body}, **_ONCE)
        found = _ours(request)
    first, *others = found
    for other in others:
        other.delete()
    if first.body.strip() != body.strip():
        first.body = body
        first.save(**_ONCE)
    return first


def _ours(request: ProjectMergeRequest) -> Sequence[ProjectMergeRequestNote]:
    notes = request.notes.list(iterator=True, sort="asc", order_by="created_at")
    return [note for note in notes if isinstance(note, ProjectMergeRequestNote) and is_ours(note.body)]


def _commit_of(body: str) -> str | None:
    match = _COMMIT.match(body)
    return str(json.loads(match[1])["commit"]) if match else None
