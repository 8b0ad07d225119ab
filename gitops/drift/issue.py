"""One GitLab issue per stack: open while there is drift, closed when it is gone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, cast

import gitlab
from gitlab.v4.objects import Project, ProjectIssue

from gitops.drift.finding import StackDrift
from gitops.drift.report import commands, details
from gitops.errors import CommandError
from gitops.markdown import LIMIT, cut

__all__ = ["keep_issue"]

_MARKER: Final = "<!-- bighpc:drift"
_FIX_MARKER: Final = "<!-- bighpc:drift-fix -->"
_GONE: Final = "The last look found no drift."


def keep_issue(project: Project, drift: StackDrift, *, propose: bool) -> str | None:
    """Open, update or close the stack's issue, and say what was done.

    The description is written only when it says something else, so that nobody hears of the same drift every night.
    Nothing is closed when something could not be told.

    Args:
        project: where the issue is.
        drift: what was found.
        propose: comment what would resolve it.

    Returns:
        A sentence; None when there is nothing to say.

    Raises:
        CommandError: when GitLab refuses.
    """
    try:
        found = _found(project, drift.stack)
        if drift.findings:
            issue, said = _told(project, found, drift)
            if propose:
                _comment(issue, "\n".join([_FIX_MARKER, "What would resolve it:", "", *commands(drift)]))
            return said
        if drift.errors or found is None or found.state == "closed":
            return None
        found.notes.create({"body": _GONE})
        _change(found, state_event="close")
        return f"closed {found.web_url}"
    except gitlab.GitlabError as error:
        raise CommandError(
            f"GitLab answered {error.response_code} to the issue of stack {drift.stack}: {error.error_message}",
            "Look whether the project has issues, and GITLAB_TOKEN has the scope api and its user the role Reporter.",
        ) from None


def _found(project: Project, stack: str) -> ProjectIssue | None:
    """The stack's issue; an open one before a closed one, an older one before a newer one."""
    marker = _marker(stack)
    listed = cast(
        Iterable[ProjectIssue],
        project.issues.list(iterator=True, search=_title(stack), scope="all", order_by="created_at", sort="asc"),
    )
    ours = [issue for issue in listed if (issue.description or "").startswith(marker)]
    return min(ours, key=lambda issue: issue.state != "opened", default=None)


def _told(project: Project, found: ProjectIssue | None, drift: StackDrift) -> tuple[ProjectIssue, str]:
    lines = [_marker(drift.stack), *details(drift), "---", "Kept by `bighpc drift`; it closes when the drift is gone."]
    text = cut(lines, LIMIT, "the job's artifacts").strip()
    if found is None:
        # Names of unprotected branches and the like are not for guests.
        asked = {"title": _title(drift.stack), "description": text, "confidential": True}
        made = project.issues.create(asked)
        return made, f"opened {made.web_url}"
    if found.state == "closed":
        _change(found, description=text, state_event="reopen")
        return found, f"opened again {found.web_url}"
    if found.description.strip() == text:
        return found, f"told already at {found.web_url}"
    _change(found, description=text)
    return found, f"updated {found.web_url}"


def _comment(issue: ProjectIssue, text: str) -> None:
    """Write the one comment with proposals."""
    body = cut(text.splitlines(), LIMIT, "the job's log").strip()
    for note in issue.notes.list(iterator=True, sort="asc", order_by="created_at"):
        if note.body.startswith(_FIX_MARKER):
            if note.body.strip() != body:
                note.body = body
                cast(Any, note).save()
            return
    issue.notes.create({"body": body})


def _change(issue: ProjectIssue, **fields: str) -> None:
    for name, value in fields.items():
        setattr(issue, name, value)
    issue.save()


def _title(stack: str) -> str:
    return f"Drift of stack {stack}"


def _marker(stack: str) -> str:
    return f"{_MARKER} {json.dumps({'stack': stack})} -->"
