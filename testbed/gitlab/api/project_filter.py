"""The filters that all lists of projects know."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import Select, or_

from testbed.gitlab.core.access import member_of
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.levels import Level, Visibility
from testbed.gitlab.core.params import CommaSeparated, Params
from testbed.gitlab.store import Project

__all__ = ["ProjectFilter", "filtered"]


class ProjectFilter(Params):
    """GET projects, of the instance, a group or a user."""

    search: str | None = None
    archived: bool | None = None
    visibility: Visibility | None = None
    owned: bool = False
    membership: bool = False
    min_access_level: Level | None = None
    topic: CommaSeparated = Field(default_factory=list)
    simple: bool = False
    order_by: str = "created_at"
    sort: str = "desc"
    id_after: int | None = None
    id_before: int | None = None


def filtered(call: Call, statement: Select[Project], params: ProjectFilter) -> Select[Project]:
    """Apply the filters to a query."""
    if params.search:
        text = params.search
        statement = statement.where(
            or_(Project.name.icontains(text, autoescape=True), Project.path.icontains(text, autoescape=True))
        )
    if params.archived is not None:
        statement = statement.where(Project.archived == params.archived)
    if params.visibility is not None:
        statement = statement.where(Project.visibility == params.visibility)
    if params.owned or params.membership or params.min_access_level:
        least = Level.OWNER if params.owned else params.min_access_level or Level.MINIMAL
        statement = statement.where(member_of(call.session, call.actor, least))
    if params.id_after is not None:
        statement = statement.where(Project.id > params.id_after)
    if params.id_before is not None:
        statement = statement.where(Project.id < params.id_before)
    columns = {
        "id": Project.id,
        "name": Project.name,
        "path": Project.path,
        "updated_at": Project.updated_at,
        "last_activity_at": Project.last_activity_at,
    }
    column = columns.get(params.order_by, Project.created_at)
    return statement.order_by(
        column.asc() if params.sort == "asc" else column.desc(),
        Project.id.asc() if params.sort == "asc" else Project.id.desc(),
    )
