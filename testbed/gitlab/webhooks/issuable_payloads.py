"""The bodies of web hooks about merge requests, issues and comments on them, in GitLab's form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pygit2

from testbed.gitlab.core.clock import optional_timestamp
from testbed.gitlab.store import Issue, Label, MergeRequest, Note, User
from testbed.gitlab.webhooks.payloads import commit_payload, project_payload

__all__ = [
    "issue_attributes",
    "issue_payload",
    "label_payload",
    "merge_request_attributes",
    "merge_request_payload",
    "note_payload",
    "user_payload",
]

STATE_IDS = {"opened": 1, "closed": 2, "merged": 3, "locked": 4}


def user_payload(user: User | None) -> dict[str, Any] | None:
    """Somebody, as payloads show people."""
    if user is None:
        return None
    return {
        "id": user.id,
        "name": user.name,
        "username": user.username,
        "avatar_url": None,
        "email": "[REDACTED]",
    }


def label_payload(label: Label) -> dict[str, Any]:
    """A label."""
    return {
        "id": label.id,
        "title": label.name,
        "color": label.color,
        "project_id": label.project_id,
        "group_id": label.namespace_id,
        "created_at": optional_timestamp(label.created_at),
        "updated_at": optional_timestamp(label.updated_at),
        "template": False,
        "description": label.description,
        "type": "ProjectLabel" if label.project_id else "GroupLabel",
    }


def merge_request_attributes(
    request: MergeRequest, head: pygit2.Commit, labels: Sequence[Label], external_url: str
) -> dict[str, Any]:
    """A merge request, as payloads of merge requests, notes and pipelines show it."""
    source = request.source_project or request.project
    return {
        "assignee_id": request.assignee_ids[0] if request.assignee_ids else None,
        "assignee_ids": request.assignee_ids,
        "author_id": request.author_id,
        "blocking_discussions_resolved": True,
        "created_at": optional_timestamp(request.created_at),
        "description": request.description,
        "draft": request.draft,
        "id": request.id,
        "iid": request.iid,
        "labels": [label_payload(label) for label in labels],
        "last_commit": commit_payload(head, f"{external_url}/{source.full_path}"),
        "merge_commit_sha": request.merge_commit_sha,
        "merge_error": request.merge_error,
        "merge_params": {"force_remove_source_branch": "1" if request.remove_source_branch else "0"},
        "merge_user_id": request.merge_user_id,
        "merge_when_pipeline_succeeds": request.auto_merge,
        "milestone_id": request.milestone_id,
        "reviewer_ids": request.reviewer_ids,
        "source": project_payload(source, external_url),
        "source_branch": request.source_branch,
        "source_project_id": request.source_project_id,
        "squash_commit_sha": request.squash_commit_sha,
        "state": request.state,
        "state_id": STATE_IDS[request.state],
        "target": project_payload(request.project, external_url),
        "target_branch": request.target_branch,
        "target_project_id": request.project_id,
        "title": request.title,
        "updated_at": optional_timestamp(request.updated_at),
        "url": f"{external_url}/{request.project.full_path}/-/merge_requests/{request.iid}",
        "work_in_progress": request.draft,
    }


def merge_request_payload(
    request: MergeRequest,
    user: User,
    attributes: dict[str, Any],
    *,
    assignees: Sequence[User],
    reviewers: Sequence[User],
    changes: dict[str, Any],
    external_url: str,
) -> dict[str, Any]:
    """The payload of something that happened to a merge request; `attributes` say what, as ``action``."""
    about = project_payload(request.project, external_url)
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": user_payload(user),
        "project": about,
        "object_attributes": attributes,
        "labels": attributes["labels"],
        "changes": changes,
        "repository": _repository(about),
        "assignees": [user_payload(each) for each in assignees],
        "reviewers": [user_payload(each) for each in reviewers],
    }


def issue_payload(issue: Issue, user: User, labels: Sequence[Label], action: str, external_url: str) -> dict[str, Any]:
    """The payload of something that happened to an issue."""
    about = project_payload(issue.project, external_url)
    return {
        "object_kind": "issue",
        "event_type": "confidential_issue" if issue.confidential else "issue",
        "user": user_payload(user),
        "project": about,
        "object_attributes": {**issue_attributes(issue, labels, external_url), "action": action},
        "labels": [label_payload(label) for label in labels],
        "changes": {},
        "repository": _repository(about),
    }


def issue_attributes(issue: Issue, labels: Sequence[Label], external_url: str) -> dict[str, Any]:
    """An issue, as payloads of issues and notes show it."""
    return {
        "assignee_ids": issue.assignee_ids,
        "author_id": issue.author_id,
        "closed_at": optional_timestamp(issue.closed_at),
        "confidential": issue.confidential,
        "created_at": optional_timestamp(issue.created_at),
        "description": issue.description,
        "due_date": issue.due_date,
        "id": issue.id,
        "iid": issue.iid,
        "labels": [label_payload(label) for label in labels],
        "milestone_id": issue.milestone_id,
        "project_id": issue.project_id,
        "state": issue.state,
        "state_id": STATE_IDS[issue.state],
        "title": issue.title,
        "updated_at": optional_timestamp(issue.updated_at),
        "url": f"{external_url}/{issue.project.full_path}/-/issues/{issue.iid}",
    }


def note_payload(
    note: Note, item: Issue | MergeRequest, user: User, attributes: dict[str, Any], *, action: str, external_url: str
) -> dict[str, Any]:
    """The payload of a comment; `attributes` show what it is on."""
    about = project_payload(item.project, external_url)
    kind = "issue" if isinstance(item, Issue) else "merge_request"
    return {
        "object_kind": "note",
        "event_type": "confidential_note" if note.internal else "note",
        "user": user_payload(user),
        "project_id": item.project_id,
        "project": about,
        "repository": _repository(about),
        "object_attributes": {
            "action": action,
            "attachment": None,
            "author_id": note.author_id,
            "commit_id": None,
            "created_at": optional_timestamp(note.created_at),
            "description": note.body,
            "discussion_id": note.discussion,
            "id": note.id,
            "internal": note.internal,
            "line_code": None,
            "note": note.body,
            "noteable_id": item.id,
            "noteable_type": "Issue" if isinstance(item, Issue) else "MergeRequest",
            "position": note.position or None,
            "project_id": item.project_id,
            "resolved_at": optional_timestamp(note.resolved_at),
            "resolved_by_id": note.resolved_by_id,
            "system": note.system,
            "updated_at": optional_timestamp(note.updated_at),
            "url": f"{attributes['url']}#note_{note.id}",
        },
        kind: attributes,
    }


def _repository(about: dict[str, Any]) -> dict[str, Any]:
    return {name: about[name] for name in ("name", "url", "description", "homepage")}
