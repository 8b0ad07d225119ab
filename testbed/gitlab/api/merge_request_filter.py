"""Which merge requests a list is about."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Select, or_

from testbed.gitlab.api.issuable_filter import IssuableFilter, Whoever, listed, selected
from testbed.gitlab.core.call import Call
from testbed.gitlab.store import MergeRequest

__all__ = ["MergeRequestFilter", "filtered"]


class MergeRequestFilter(IssuableFilter):
    """GET .../merge_requests."""

    state: Literal["opened", "closed", "locked", "merged", "all"] = "all"
    order_by: Literal["created_at", "updated_at", "merged_at", "title", "priority"] = "created_at"
    source_branch: str | None = None
    target_branch: str | None = None
    source_project_id: int | None = None
    reviewer_id: Whoever | None = None
    wip: Literal["yes", "no"] | None = None
    draft: bool | None = None
    view: Literal["simple"] | None = None


def filtered(call: Call, statement: Select[MergeRequest], params: MergeRequestFilter) -> Select[MergeRequest]:
    """The merge requests that fit, in order."""
    statement = selected(call, statement, MergeRequest, params)
    if params.state != "all":
        statement = statement.where(MergeRequest.state == params.state)
    for name in ("source_branch", "target_branch", "source_project_id"):
        if (value := getattr(params, name)) is not None:
            statement = statement.where(getattr(MergeRequest, name) == value)
    if params.reviewer_id is not None:
        statement = statement.where(listed(MergeRequest.reviewer_ids, params.reviewer_id))
    draft = params.draft if params.wip is None else params.wip == "yes"
    if draft is not None:
        marks = [MergeRequest.title.istartswith(mark) for mark in ("draft:", "[draft]", "(draft)")]
        statement = statement.where(or_(*marks) if draft else ~or_(*marks))
    column = getattr(MergeRequest, "created_at" if params.order_by == "priority" else params.order_by)
    if params.sort == "asc":
        return statement.order_by(column.asc(), MergeRequest.id.asc())
    return statement.order_by(column.desc(), MergeRequest.id.desc())
