"""Milestones of groups and projects."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import func, select

from testbed.gitlab.api.entities import web_url
from testbed.gitlab.core.access import lineage
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import today
from testbed.gitlab.core.errors import invalid, missing
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params, at_least_one
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.forge import Forge
from testbed.gitlab.store import Container, Milestone, Project

__all__ = ["milestone_entity", "routes"]

routes = Routes(anonymous=False)


class CreateMilestone(Params):
    """POST .../milestones."""

    title: NotEmpty
    description: str | None = None
    due_date: date | None = None
    start_date: date | None = None


class UpdateMilestone(Params):
    """PUT .../milestones/:id."""

    title: str | None = None
    description: str | None = None
    due_date: date | None = None
    start_date: date | None = None
    state_event: Literal["close", "activate"] | None = None


class ListMilestones(Params):
    """GET .../milestones."""

    iids: list[int] = Field(default_factory=list)
    state: Literal["active", "closed", "all"] = "all"
    title: str | None = None
    search: str | None = None
    include_ancestors: bool = False
    include_parent_milestones: bool = False


def milestone_entity(milestone: Milestone, forge: Forge) -> dict[str, Any]:
    """A milestone."""
    container = milestone.container
    owner = "project_id" if isinstance(container, Project) else "group_id"
    return {
        "id": milestone.id,
        "iid": milestone.iid,
        owner: container.id,
        "title": milestone.title,
        "description": milestone.description,
        "state": milestone.state,
        "created_at": milestone.created_at,
        "updated_at": milestone.updated_at,
        "due_date": milestone.due_date,
        "start_date": milestone.start_date,
        "expired": milestone.due_date is not None and milestone.due_date < today(),
        "web_url": f"{web_url(container, forge)}/-/milestones/{milestone.iid}",
    }


@routes.get("/:container/milestones")
def list_milestones(call: Call, params: ListMilestones) -> Page:
    """The milestones, newest first."""
    container = call.container()
    above = params.include_ancestors or params.include_parent_milestones
    statement = select(Milestone).where(Milestone.of(*(lineage(container) if above else [container])))
    if params.iids:
        statement = statement.where(Milestone.iid.in_(params.iids))
    if params.state != "all":
        statement = statement.where(Milestone.state == params.state)
    if params.title:
        statement = statement.where(Milestone.title == params.title)
    if params.search:
        statement = statement.where(Milestone.title.icontains(params.search, autoescape=True))
    return call.page(
        statement.order_by(Milestone.id.desc()), Milestone.id, lambda row: milestone_entity(row, call.forge)
    )


@routes.get("/:container/milestones/{milestone_id}")
def get_milestone(call: Call) -> dict[str, Any]:
    """One milestone."""
    return milestone_entity(_find(call, call.container()), call.forge)


@routes.post("/:container/milestones")
def create_milestone(call: Call, params: CreateMilestone) -> dict[str, Any]:
    """Create a milestone."""
    container = call.container(Level.PLANNER)
    last = call.session.scalar(select(func.max(Milestone.iid)).where(Milestone.of(container)))
    milestone = Milestone(
        **params.model_dump(),
        iid=(last or 0) + 1,
        **{"project" if isinstance(container, Project) else "namespace": container},
    )
    _check(call, container, milestone)
    return milestone_entity(call.add(milestone), call.forge)


@routes.put("/:container/milestones/{milestone_id}")
def update_milestone(call: Call, params: UpdateMilestone) -> dict[str, Any]:
    """Change, close or reopen a milestone."""
    container = call.container(Level.PLANNER)
    at_least_one(params, "title", "description", "start_date", "due_date", "state_event")
    milestone = _find(call, container)
    for name, value in params.given("state_event").items():
        setattr(milestone, name, value)
    if params.state_event is not None:
        milestone.state = "closed" if params.state_event == "close" else "active"
    _check(call, container, milestone)
    call.session.flush()
    return milestone_entity(milestone, call.forge)


@routes.delete("/:container/milestones/{milestone_id}")
def delete_milestone(call: Call) -> None:
    """Remove a milestone."""
    call.session.delete(_find(call, call.container(Level.PLANNER)))


def _find(call: Call, container: Container) -> Milestone:
    number = call.number("milestone_id", "Milestone")
    found = call.session.scalar(select(Milestone).where(Milestone.of(container), Milestone.id == number))
    if found is None:
        raise missing()
    return found


def _check(call: Call, container: Container, milestone: Milestone) -> None:
    if not milestone.title:
        raise invalid(title="can't be blank")
    if milestone.start_date and milestone.due_date and milestone.due_date < milestone.start_date:
        raise invalid(due_date="must be greater than start date")
    with call.session.no_autoflush:
        same = select(Milestone.id).where(
            Milestone.of(*lineage(container)),
            Milestone.title == milestone.title,
            Milestone.id.is_distinct_from(milestone.id),
        )
        if call.session.scalar(same) is not None:
            raise invalid(title="already being used for another group or project milestone.")
