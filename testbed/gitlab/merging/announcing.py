"""Web hooks about merge requests and issues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import lineage
from testbed.gitlab.forge import Forge
from testbed.gitlab.merging.branches import commit_at
from testbed.gitlab.merging.checks import detailed_status
from testbed.gitlab.merging.discussing import unresolved
from testbed.gitlab.merging.people import users_in_order
from testbed.gitlab.pipelines.starting import head_pipeline
from testbed.gitlab.store import Issue, Label, MergeRequest, Note, Project, User
from testbed.gitlab.webhooks.issuable_payloads import (
    issue_attributes,
    issue_payload,
    merge_request_attributes,
    merge_request_payload,
    note_payload,
)
from testbed.gitlab.webhooks.queue import enqueue

__all__ = ["announce", "announce_issue", "announce_note", "labels_named", "payload_of"]


def announce(
    forge: Forge,
    session: Session,
    request: MergeRequest,
    user: User,
    action: str,
    changes: dict[str, Any] | None = None,
    oldrev: str | None = None,
) -> None:
    """Tell the hooks what happened to a merge request; see `payload_of` for the arguments."""
    payload = payload_of(forge, session, request, user, action, changes, oldrev)
    enqueue(session, request.project, "merge_requests_events", payload)


def payload_of(
    forge: Forge,
    session: Session,
    request: MergeRequest,
    user: User,
    action: str,
    changes: dict[str, Any] | None = None,
    oldrev: str | None = None,
) -> dict[str, Any]:
    """What hooks are told about a merge request.

    Args:
        forge: the double.
        session: a writing session.
        request: the merge request, as it is now.
        user: who did it.
        action: ``open``, ``update``, ``close``, ``reopen``, ``approved``, ``unapproved`` or ``merge``.
        changes: attributes to ``{"previous", "current"}``.
        oldrev: head of the source branch before a push.
    """
    session.flush()
    pipeline = head_pipeline(session, request)
    attributes = {
        **_attributes(forge, session, request),
        "action": action,
        "blocking_discussions_resolved": not unresolved(session, request),
        "detailed_merge_status": detailed_status(forge, session, request),
        "head_pipeline_id": None if pipeline is None else pipeline.id,
        **({"oldrev": oldrev} if oldrev else {}),
    }
    return merge_request_payload(
        request,
        user,
        attributes,
        assignees=users_in_order(session, request.assignee_ids),
        reviewers=users_in_order(session, request.reviewer_ids),
        changes=changes or {},
        external_url=forge.settings.external_url,
    )


def announce_issue(forge: Forge, session: Session, issue: Issue, user: User, action: str) -> None:
    """Tell the hooks what happened to an issue: ``open``, ``update``, ``close`` or ``reopen``."""
    session.flush()
    labels = labels_named(session, issue.project, issue.labels)
    payload = issue_payload(issue, user, labels, action, forge.settings.external_url)
    trigger = "confidential_issues_events" if issue.confidential else "issues_events"
    enqueue(session, issue.project, trigger, payload)


def announce_note(
    forge: Forge, session: Session, note: Note, item: Issue | MergeRequest, user: User, action: str = "create"
) -> None:
    """Tell the hooks that somebody said something, or changed it (``update``)."""
    session.flush()
    url = forge.settings.external_url
    if isinstance(item, Issue):
        attributes = issue_attributes(item, labels_named(session, item.project, item.labels), url)
    else:
        attributes = _attributes(forge, session, item)
    payload = note_payload(note, item, user, attributes, action=action, external_url=url)
    enqueue(session, item.project, "confidential_note_events" if note.internal else "note_events", payload)


def labels_named(session: Session, project: Project, names: Sequence[str]) -> Sequence[Label]:
    """The labels with these names that a project or a group above it has."""
    if not names:
        return []
    wanted = select(Label).where(Label.of(*lineage(project)), Label.name.in_(names)).order_by(Label.name)
    return session.scalars(wanted).all()


def _attributes(forge: Forge, session: Session, request: MergeRequest) -> dict[str, Any]:
    head = commit_at(forge.storage.open(request.project_id), request.sha)
    labels = labels_named(session, request.project, request.labels)
    return merge_request_attributes(request, head, labels, forge.settings.external_url)
