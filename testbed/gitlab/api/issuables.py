"""What the endpoints of issues and merge requests have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from sqlalchemy import ColumnElement, func, select

from testbed.gitlab.api.entities import user_basic, web_url
from testbed.gitlab.api.labels import label_basic
from testbed.gitlab.api.milestones import milestone_entity
from testbed.gitlab.core.access import can_see, lineage, reads_code, visible_projects
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, invalid, missing
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.params import CommaSeparated, Params
from testbed.gitlab.merging.announcing import labels_named
from testbed.gitlab.merging.people import users_in_order
from testbed.gitlab.store import AwardEmoji, Issue, Label, MergeRequest, Milestone, Note, Project, User

__all__ = [
    "IssuableFields",
    "Noteable",
    "apply_fields",
    "check_title",
    "find_issuable",
    "find_issue",
    "find_merge_request",
    "in_group",
    "issuable_entity",
    "need_to_change",
    "next_iid",
    "on_both",
    "people",
    "sees_internal",
    "with_label_details",
]

Noteable = Issue | MergeRequest
"""What people can comment on."""

HandlerT = TypeVar("HandlerT", bound=Callable[..., object])

NEW_LABEL_COLOR = "#6699cc"
LONGEST_TITLE = 255
LONGEST_DESCRIPTION = 1_048_576


class IssuableFields(Params):
    """What creation and change of both take."""

    description: str | None = None
    labels: CommaSeparated | None = None
    add_labels: CommaSeparated | None = None
    remove_labels: CommaSeparated | None = None
    assignee_id: int | None = None
    assignee_ids: list[int] | Literal[""] | None = None
    milestone_id: int | None = None
    discussion_locked: bool | None = None


def on_both(declare: Callable[[str], Callable[[HandlerT], HandlerT]], tail: str) -> Callable[[HandlerT], HandlerT]:
    """Declare an endpoint twice: below merge requests and below issues."""

    def apply(handler: HandlerT) -> HandlerT:
        for kind in ("merge_requests", "issues"):
            declare(f"/projects/{{id}}/{kind}/{{iid}}{tail}")(handler)
        return handler

    return apply


def find_merge_request(call: Call) -> MergeRequest:
    """The merge request in the path, for an actor who may see it: that takes reading the code."""
    project = call.project()
    if not reads_code(call.session, call.actor, project):
        raise missing()
    found = call.session.scalar(
        select(MergeRequest).where(
            MergeRequest.project_id == project.id, MergeRequest.iid == call.number("iid", "Merge request")
        )
    )
    if found is None:
        raise missing()
    return found


def find_issue(call: Call) -> Issue:
    """The issue in the path, for an actor who may see it."""
    project = call.project()
    number = call.number("iid", "Issue")
    found = call.session.scalar(select(Issue).where(Issue.project_id == project.id, Issue.iid == number))
    if found is None or (found.confidential and not _involved(call, found)):
        raise missing()
    return found


def find_issuable(call: Call) -> Noteable:
    """The issue or merge request in the path."""
    kind = call.url.removeprefix(call.forge.api_url("projects")).split("/")[2]
    return find_issue(call) if kind == "issues" else find_merge_request(call)


def in_group(call: Call) -> ColumnElement[bool]:
    """The condition that a project is somewhere in the group of the path, and may be seen."""
    inside = Project.full_path.startswith(f"{call.group().full_path}/", autoescape=True)
    return inside & visible_projects(call.session, call.actor)


def need_to_change(call: Call, item: Noteable, at_least: Level) -> None:
    """Demand a role of everybody but the author, and a project that is not archived."""
    if item.project.archived:
        raise forbidden()
    if call.user.id != item.author_id:
        call.need(item.project, at_least)


def sees_internal(call: Call, item: Noteable) -> bool:
    """Whether internal notes are there for the actor."""
    return call.level(item.project) >= Level.PLANNER


def next_iid(call: Call, model: type[Noteable], project: Project) -> int:
    """The number of a new issue or merge request."""
    highest = call.session.scalar(select(func.max(model.iid)).where(model.project_id == project.id))
    return (highest or 0) + 1


def apply_fields(call: Call, item: Noteable, fields: IssuableFields) -> None:
    """Set what was sent. As in GitLab, labels, people and milestones are left alone for an actor without a role."""
    given = fields.model_fields_set
    if "description" in given:
        if fields.description is not None and len(fields.description) > LONGEST_DESCRIPTION:
            raise invalid(description=f"is too long (maximum is {LONGEST_DESCRIPTION} characters)")
        item.description = fields.description
    if call.level(item.project) < Level.PLANNER:
        return
    if "discussion_locked" in given:
        item.discussion_locked = fields.discussion_locked
    _apply_labels(call, item, fields)
    if "assignee_ids" in given or "assignee_id" in given:
        wanted = fields.assignee_ids or [fields.assignee_id or 0]
        item.assignee_ids = [user.id for user in people(call, item.project, wanted)]
    if "milestone_id" in given:
        item.milestone = _milestone(call, item.project, fields.milestone_id or 0)


def people(call: Call, project: Project, numbers: Sequence[int]) -> list[User]:
    """The users with these numbers who can see the project; GitLab leaves out others without a word."""
    found = users_in_order(call.session, numbers)
    return [user for user in found if can_see(call.session, Actor(user=user), project)]


def issuable_entity(call: Call, item: Noteable) -> dict[str, Any]:
    """What entities of issues and merge requests both show."""
    session, forge, project = call.session, call.forge, item.project
    issue = isinstance(item, Issue)
    mark = "#" if issue else "!"
    assignees = [user_basic(user, forge) for user in users_in_order(session, item.assignee_ids)]
    reactions = session.scalars(select(AwardEmoji.name).where(AwardEmoji.on(item), AwardEmoji.note_id.is_(None))).all()
    notes = select(func.count()).select_from(Note).where(Note.on(item), Note.system.is_(False))
    return {
        "id": item.id,
        "iid": item.iid,
        "project_id": item.project_id,
        "title": item.title,
        "description": item.description,
        "state": item.state,
        "created_at": item.created_at,
        "updated_at": item.updated_at,
        "closed_by": user_basic(item.closed_by, forge),
        "closed_at": item.closed_at,
        "labels": sorted(item.labels),
        "milestone": milestone_entity(item.milestone, forge) if item.milestone else None,
        "author": user_basic(item.author, forge),
        "assignees": assignees,
        "assignee": assignees[0] if assignees else None,
        "user_notes_count": session.scalar(notes),
        "upvotes": reactions.count("thumbsup"),
        "downvotes": reactions.count("thumbsdown"),
        "discussion_locked": item.discussion_locked,
        "imported": False,
        "imported_from": "none",
        "references": {
            "short": f"{mark}{item.iid}",
            "relative": f"{project.path if call.kind == 'groups' else ''}{mark}{item.iid}",
            "full": f"{project.full_path}{mark}{item.iid}",
        },
        "web_url": f"{web_url(project, forge)}/-/{'issues' if issue else 'merge_requests'}/{item.iid}",
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": None,
            "human_total_time_spent": None,
        },
        "task_completion_status": _tasks(item.description or ""),
    }


def with_label_details(call: Call, item: Noteable, entity: dict[str, Any]) -> dict[str, Any]:
    """The entity with whole labels instead of their names."""
    labels = labels_named(call.session, item.project, item.labels)
    return {**entity, "labels": [label_basic(label) for label in labels]}


def check_title(title: str) -> str:
    """Refuse a title that GitLab would refuse."""
    if not title.strip():
        raise invalid(title="can't be blank")
    if len(title) > LONGEST_TITLE:
        raise invalid(title=f"is too long (maximum is {LONGEST_TITLE} characters)")
    return title.strip()


def _involved(call: Call, issue: Issue) -> bool:
    if call.level(issue.project) >= Level.PLANNER:
        return True
    return call.actor.user is not None and call.actor.user.id in (issue.author_id, *issue.assignee_ids)


def _apply_labels(call: Call, item: Noteable, fields: IssuableFields) -> None:
    names = dict.fromkeys(item.labels or [] if fields.labels is None else fields.labels)
    names.update(dict.fromkeys(fields.add_labels or []))
    for name in fields.remove_labels or []:
        names.pop(name, None)
    if list(names) == item.labels:
        return
    item.labels = list(names)
    known = {label.name for label in labels_named(call.session, item.project, item.labels)}
    for name in names:
        if name not in known:
            call.add(Label(name=name, color=NEW_LABEL_COLOR, project=item.project))


def _milestone(call: Call, project: Project, number: int) -> Milestone | None:
    if number == 0:
        return None
    return call.session.scalar(select(Milestone).where(Milestone.of(*lineage(project)), Milestone.id == number))


def _tasks(text: str) -> dict[str, int]:
    """The check boxes of a description."""
    boxes = re.findall(r"^\s*(?:[-+*]|\d+[.)])\s+\[([ xX])\]\s", f"{text}\n", re.MULTILINE)
    return {"count": len(boxes), "completed_count": sum(box != " " for box in boxes)}
