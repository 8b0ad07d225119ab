"""Issues."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from sqlalchemy import ColumnElement, or_, select

from testbed.gitlab.api.entities import web_url
from testbed.gitlab.api.issuable_filter import IssuableFilter, listed, selected
from testbed.gitlab.api.issuables import (
    IssuableFields,
    apply_fields,
    check_title,
    find_issue,
    in_group,
    issuable_entity,
    need_to_change,
    next_iid,
    with_label_details,
)
from testbed.gitlab.core.access import member_of, visible_projects
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.errors import forbidden
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import at_least_one
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.announcing import announce_issue
from testbed.gitlab.merging.discussing import note_by_system
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.store import Issue, Project

__all__ = ["routes"]

routes = Routes()


class IssueFields(IssuableFields):
    """What both creation and change take."""

    confidential: bool | None = None
    due_date: date | Literal[""] | None = None
    weight: int | None = None
    issue_type: Literal["issue", "incident", "task"] | None = None


class CreateIssue(IssueFields):
    """POST projects/:id/issues."""

    title: str
    iid: int | None = None


class UpdateIssue(IssueFields):
    """PUT projects/:id/issues/:iid."""

    title: str | None = None
    state_event: Literal["close", "reopen"] | None = None


class IssueFilter(IssuableFilter):
    """GET .../issues."""

    state: Literal["opened", "closed", "all"] = "all"
    order_by: Literal["created_at", "updated_at", "title", "due_date", "weight", "priority"] = "created_at"
    confidential: bool | None = None
    issue_type: Literal["issue", "incident", "task"] | None = None


class MyIssueFilter(IssueFilter):
    """GET issues: one's own, unless asked for others."""

    scope: str | None = "created_by_me"


def issue_entity(call: Call, issue: Issue) -> dict[str, Any]:
    """An issue."""
    base = ("projects", issue.project_id, "issues", issue.iid)
    return {
        **issuable_entity(call, issue),
        "type": issue.issue_type.upper(),
        "issue_type": issue.issue_type,
        "confidential": issue.confidential,
        "due_date": issue.due_date,
        "weight": issue.weight,
        "has_tasks": False,
        "merge_requests_count": 0,
        "blocking_issues_count": 0,
        "subscribed": call.actor.user is not None and call.actor.user.id == issue.author_id,
        "severity": "UNKNOWN",
        "moved_to_id": None,
        "_links": {
            "self": call.forge.api_url(*base),
            "notes": call.forge.api_url(*base, "notes"),
            "award_emoji": call.forge.api_url(*base, "award_emoji"),
            "project": call.forge.api_url("projects", issue.project_id),
        },
        "work_item_url": f"{web_url(issue.project, call.forge)}/-/work_items/{issue.iid}",
    }


@routes.get("/issues")
def list_all_issues(call: Call, params: MyIssueFilter) -> Page:
    """The issues of all projects that the actor can see."""
    return _list(call, params, visible_projects(call.session, call.actor))


@routes.get("/groups/{id}/issues")
def list_group_issues(call: Call, params: IssueFilter) -> Page:
    """The issues of a group's projects, those of its subgroups as well."""
    return _list(call, params, in_group(call))


@routes.get("/projects/{id}/issues")
def list_issues(call: Call, params: IssueFilter) -> Page:
    """The issues of a project."""
    return _list(call, params, Project.id == call.project().id)


@routes.post("/projects/{id}/issues")
def create_issue(call: Call, params: CreateIssue) -> dict[str, Any]:
    """Open an issue; guests may."""
    project = call.project()
    if project.archived or setting(project, "issues_access_level") == "disabled":
        raise forbidden()
    issue = Issue(
        project=project, project_id=project.id, author=call.user, title=check_title(params.title), state="opened"
    )
    issue.labels, issue.assignee_ids = [], []
    with call.session.no_autoflush:
        issue.iid = next_iid(call, Issue, project)
        _apply(call, issue, params)
    call.add(issue)
    announce_issue(call.forge, call.session, issue, call.user, "open")
    return issue_entity(call, issue)


@routes.get("/projects/{id}/issues/{iid}")
def get_issue(call: Call) -> dict[str, Any]:
    """One issue."""
    return issue_entity(call, find_issue(call))


@routes.put("/projects/{id}/issues/{iid}")
def update_issue(call: Call, params: UpdateIssue) -> dict[str, Any]:
    """Change an issue, close it or open it again."""
    issue = find_issue(call)
    at_least_one(params, *UpdateIssue.model_fields)
    need_to_change(call, issue, Level.PLANNER)
    if params.title is not None and params.title != issue.title:
        old, issue.title = issue.title, check_title(params.title)
        note_by_system(call.session, issue, call.user, f"changed title from **{old}** to **{issue.title}**")
    _apply(call, issue, params)
    issue.updated_at = now()
    _move(call, issue, params.state_event)
    return issue_entity(call, issue)


@routes.delete("/projects/{id}/issues/{iid}")
def delete_issue(call: Call) -> None:
    """Remove an issue with everything said on it; for owners of the project."""
    issue = find_issue(call)
    call.need(issue.project, Level.OWNER)
    call.session.delete(issue)


def _list(call: Call, params: IssueFilter, projects: Any) -> Page:
    statement = select(Issue).where(Issue.project_id.in_(select(Project.id).where(projects)))
    statement = selected(call, statement, Issue, params)
    if not call.actor.admin:
        insiders = Issue.project_id.in_(select(Project.id).where(member_of(call.session, call.actor, Level.PLANNER)))
        shown: list[ColumnElement[bool]] = [Issue.confidential.is_(False), insiders]
        if call.actor.user is not None:
            mine = call.actor.user.id
            shown += [Issue.author_id == mine, listed(Issue.assignee_ids, mine)]
        statement = statement.where(or_(*shown))
    if params.state != "all":
        statement = statement.where(Issue.state == params.state)
    for name in ("confidential", "issue_type"):
        if (value := getattr(params, name)) is not None:
            statement = statement.where(getattr(Issue, name) == value)
    column = getattr(Issue, "created_at" if params.order_by == "priority" else params.order_by)
    order = (column.asc(), Issue.id.asc()) if params.sort == "asc" else (column.desc(), Issue.id.desc())

    def render(row: Issue) -> dict[str, Any]:
        entity = issue_entity(call, row)
        return with_label_details(call, row, entity) if params.with_labels_details else entity

    return call.page(statement.order_by(*order), Issue.id, render)


def _apply(call: Call, issue: Issue, fields: IssueFields) -> None:
    apply_fields(call, issue, fields)
    for name in ("confidential", "weight", "issue_type"):
        if (value := getattr(fields, name)) is not None:
            setattr(issue, name, value)
    if "due_date" in fields.model_fields_set:
        issue.due_date = str(fields.due_date) if fields.due_date else None


def _move(call: Call, issue: Issue, event: str | None) -> None:
    if event == "close" and issue.state == "opened":
        issue.state, issue.closed_at, issue.closed_by = "closed", now(), call.user
        note_by_system(call.session, issue, call.user, "closed")
        announce_issue(call.forge, call.session, issue, call.user, "close")
    elif event == "reopen" and issue.state == "closed":
        issue.state, issue.closed_at, issue.closed_by = "opened", None, None
        note_by_system(call.session, issue, call.user, "reopened")
        announce_issue(call.forge, call.session, issue, call.user, "reopen")
    else:
        announce_issue(call.forge, call.session, issue, call.user, "update")
