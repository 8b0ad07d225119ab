"""Which issues or merge requests a list is about, as far as that is the same for both."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Select, func, or_, select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import unauthorized
from testbed.gitlab.core.params import CommaSeparated, Instant, Params
from testbed.gitlab.store import Issuable, MergeRequest, Milestone, User

__all__ = ["IssuableFilter", "Whoever", "listed", "selected"]

Whoever = int | Literal["None", "Any", "none", "any"]
"""The number of a user, nobody, or anybody."""


class IssuableFilter(Params):
    """What lists of issues and of merge requests both take."""

    labels: CommaSeparated | None = None
    with_labels_details: bool = False
    milestone: str | None = None
    author_id: int | None = None
    author_username: str | None = None
    assignee_id: Whoever | None = None
    search: str | None = None
    search_in: str = Field("title,description", alias="in")
    iids: list[int] = Field(default_factory=list)
    created_after: Instant | None = None
    created_before: Instant | None = None
    updated_after: Instant | None = None
    updated_before: Instant | None = None
    scope: str | None = None
    sort: Literal["asc", "desc"] = "desc"


def selected(call: Call, statement: Select[Any], model: type[Issuable], params: IssuableFilter) -> Select[Any]:
    """The conditions that issues and merge requests share."""
    for condition in (*_by_people(call, model, params), *_by_content(model, params)):
        statement = statement.where(condition)
    for name, column in (("created", model.created_at), ("updated", model.updated_at)):
        if (after := getattr(params, f"{name}_after")) is not None:
            statement = statement.where(column >= after)
        if (before := getattr(params, f"{name}_before")) is not None:
            statement = statement.where(column <= before)
    return statement


def _by_people(call: Call, model: type[Issuable], params: IssuableFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if params.author_id is not None:
        found.append(model.author_id == params.author_id)
    if params.author_username is not None:
        author = select(User.id).where(User.username == params.author_username).scalar_subquery()
        found.append(model.author_id == author)
    if params.assignee_id is not None:
        found.append(listed(model.assignee_ids, params.assignee_id))
    scope = (params.scope or "all").replace("-", "_")
    if scope == "all":
        return found
    if call.actor.user is None:
        raise unauthorized()
    mine = call.actor.user.id
    match scope:
        case "created_by_me":
            found.append(model.author_id == mine)
        case "assigned_to_me":
            found.append(listed(model.assignee_ids, mine))
        case "reviews_for_me" if issubclass(model, MergeRequest):
            found.append(listed(model.reviewer_ids, mine))
    return found


def _by_content(model: type[Issuable], params: IssuableFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for label in params.labels or []:
        if label.lower() in ("none", "any"):
            empty = func.json_array_length(model.labels) == 0
            found.append(empty if label.lower() == "none" else ~empty)
        else:
            found.append(listed(model.labels, label))
    if params.milestone is not None:
        titled = select(Milestone.id).where(Milestone.title == params.milestone)
        found.append(model.milestone_id.in_(titled))
    if params.iids:
        found.append(model.iid.in_(params.iids))
    if params.search:
        columns = {"title": model.title, "description": model.description}
        wanted = [column for name, column in columns.items() if name in params.search_in.split(",")]
        found.append(or_(*(column.icontains(params.search, autoescape=True) for column in wanted)))
    return found


def listed(column: Any, value: int | str) -> ColumnElement[bool]:
    """Whether a list in a JSON column has a value; ``None`` and ``Any`` stand for the empty and the filled list."""
    if isinstance(value, str) and value.lower() in ("none", "any"):
        empty: ColumnElement[bool] = func.json_array_length(column) == 0
        return empty if value.lower() == "none" else ~empty
    items = func.json_each(column).table_valued("value")
    return select(1).select_from(items).where(items.c.value == value).exists()
