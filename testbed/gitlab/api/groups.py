"""Groups and subgroups."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import Field
from sqlalchemy import Select, or_, select

from testbed.gitlab.api.entities import check_path, web_url
from testbed.gitlab.api.group_attributes import DEFAULTS, GroupAttributes
from testbed.gitlab.api.project_entities import project_entity
from testbed.gitlab.api.project_filter import ProjectFilter, filtered
from testbed.gitlab.core.access import level_of, member_of_group, visible_groups, visible_projects
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, not_found, rejected
from testbed.gitlab.core.levels import Level, Visibility
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import CommaSeparated, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Member, Namespace, Project

__all__ = ["group_entity", "routes"]

routes = Routes()


class CreateGroup(GroupAttributes):
    """POST groups."""

    name: NotEmpty
    path: NotEmpty
    parent_id: int | None = None
    description: str | None = None
    visibility: Visibility | None = None


class UpdateGroup(GroupAttributes):
    """PUT groups/:id."""

    name: str | None = None
    path: str | None = None
    description: str | None = None
    visibility: Visibility | None = None


class ListGroups(Params):
    """GET groups, and its descendants."""

    search: str | None = None
    owned: bool = False
    top_level_only: bool = False
    all_available: bool | None = None
    skip_groups: CommaSeparated = Field(default_factory=list)
    min_access_level: Level | None = None
    order_by: str = "name"
    sort: str = "asc"


class GetGroup(Params):
    """GET groups/:id."""

    with_projects: bool = True


class GroupProjects(ProjectFilter):
    """GET groups/:id/projects."""

    include_subgroups: bool = False


def group_entity(call: Call, group: Namespace) -> dict[str, Any]:
    """A group."""
    kept = {**DEFAULTS, **group.attributes}
    return {
        "id": group.id,
        "web_url": web_url(group, call.forge),
        "name": group.name,
        "path": group.path,
        "description": group.description,
        "visibility": group.visibility,
        **kept,
        "avatar_url": None,
        "full_name": group.full_name,
        "full_path": group.full_path,
        "created_at": group.created_at,
        "parent_id": group.parent_id,
        "organization_id": 1,
        "archived": group.archived,
        "marked_for_deletion_on": None,
        "ldap_cn": None,
        "ldap_access": None,
        "repository_storage": "default",
        "file_template_project_id": None,
    }


@routes.get("/groups")
def list_groups(call: Call, params: ListGroups) -> Page:
    """The groups that the actor can see."""
    statement = select(Namespace).where(Namespace.owner_id.is_(None), visible_groups(call.session, call.actor))
    if params.top_level_only:
        statement = statement.where(Namespace.parent_id.is_(None))
    return _groups(call, statement, params)


@routes.get("/groups/{id}/subgroups")
def list_subgroups(call: Call, params: ListGroups) -> Page:
    """The groups directly below."""
    group = call.group()
    statement = select(Namespace).where(Namespace.parent_id == group.id, visible_groups(call.session, call.actor))
    return _groups(call, statement, params)


@routes.get("/groups/{id}/descendant_groups")
def list_descendants(call: Call, params: ListGroups) -> Page:
    """The groups below, at any depth."""
    below = Namespace.full_path.startswith(f"{call.group().full_path}/", autoescape=True)
    return _groups(call, select(Namespace).where(below, visible_groups(call.session, call.actor)), params)


@routes.post("/groups")
def create_group(call: Call, params: CreateGroup) -> dict[str, Any]:
    """Create a group or subgroup, owned by its creator."""
    user = call.user
    parent = _parent(call, params.parent_id) if params.parent_id else None
    check_path(params.path, top_level=parent is None)
    full_path = f"{parent.full_path}/{params.path}" if parent else params.path
    _refuse_taken(call, full_path)
    visibility = params.visibility or Visibility.PRIVATE
    if parent is not None:
        _check_visibility(visibility, parent)
    group = call.add(
        Namespace(
            name=params.name,
            path=params.path,
            full_path=full_path,
            full_name=f"{parent.full_name} / {params.name}" if parent else params.name,
            parent_id=parent.id if parent else None,
            parent=parent,
            description=params.description or "",
            visibility=visibility,
            attributes=params.chosen(),
        )
    )
    if not any(row.user_id == user.id for row in _owners(call, group)):
        call.add(Member(namespace_id=group.id, user_id=user.id, access_level=Level.OWNER, created_by_id=user.id))
    return group_entity(call, group)


@routes.get("/groups/{id}")
def get_group(call: Call, params: GetGroup) -> dict[str, Any]:
    """One group, by default with its projects."""
    group = call.group()
    entity = group_entity(call, group) | {
        "shared_projects": [],
        "shared_with_groups": group.attributes.get("shared_with_groups", []),
    }
    if call.level(group) >= Level.OWNER:
        entity |= {"runners_token": None, "enabled_git_access_protocol": None}
    if params.with_projects:
        rows = call.session.scalars(select(Project).where(Project.namespace_id == group.id).order_by(Project.id))
        entity["projects"] = [project_entity(call, row) for row in rows]
    return entity


@routes.put("/groups/{id}")
def update_group(call: Call, params: UpdateGroup) -> dict[str, Any]:
    """Change a group; a new path moves everything below it."""
    group = call.group(Level.OWNER)
    if params.visibility is not None and group.parent is not None:
        _check_visibility(params.visibility, group.parent)
    for name in ("name", "description", "visibility"):
        if name in params.model_fields_set and getattr(params, name) is not None:
            setattr(group, name, getattr(params, name))
    group.attributes = {**group.attributes, **params.chosen()}
    if params.path is not None and params.path != group.path:
        _move(call, group, params.path)
    _rename(call, group)
    call.session.flush()
    return group_entity(call, group)


@routes.delete("/groups/{id}", status=202)
def delete_group(call: Call) -> dict[str, str]:
    """Remove a group with everything in it."""
    group = call.group(Level.OWNER)
    inside = select(Project.id).where(Project.full_path.startswith(f"{group.full_path}/", autoescape=True))
    for project_id in call.session.scalars(inside):
        call.when_kept(partial(call.forge.storage.delete, project_id))
    call.session.delete(group)
    return {"message": "202 Accepted"}


@routes.get("/groups/{id}/projects")
def list_group_projects(call: Call, params: GroupProjects) -> Page:
    """The projects of a group, on demand with those of its subgroups."""
    group = call.group()
    statement = select(Project).where(visible_projects(call.session, call.actor))
    if params.include_subgroups:
        statement = statement.where(Project.full_path.startswith(f"{group.full_path}/", autoescape=True))
    else:
        statement = statement.where(Project.namespace_id == group.id)
    return call.page(filtered(call, statement, params), Project.id, lambda row: project_entity(call, row))


def _groups(call: Call, statement: Select[Namespace], params: ListGroups) -> Page:
    if params.search:
        statement = statement.where(
            or_(Namespace.name.icontains(params.search, autoescape=True), Namespace.path.icontains(params.search))
        )
    if params.skip_groups:
        statement = statement.where(Namespace.id.not_in([int(each) for each in params.skip_groups]))
    least = Level.OWNER if params.owned else params.min_access_level
    if least:
        statement = statement.where(member_of_group(call.session, call.actor, least))
    column = {"path": Namespace.path, "id": Namespace.id}.get(params.order_by, Namespace.name)
    statement = statement.order_by(column.desc() if params.sort == "desc" else column.asc(), Namespace.id)
    return call.page(statement, Namespace.id, lambda row: group_entity(call, row))


def _parent(call: Call, number: int) -> Namespace:
    parent = call.session.get(Namespace, number)
    if parent is None or parent.personal or level_of(call.session, call.actor, parent) == Level.NONE:
        raise not_found("Group")
    least = Level.MAINTAINER
    if parent.attributes.get("subgroup_creation_level") == "owner":
        least = Level.OWNER
    if call.level(parent) < least:
        raise forbidden()
    return parent


def _owners(call: Call, group: Namespace) -> list[Member]:
    chain = select(Member).where(Member.of(*group.lineage()), Member.access_level == Level.OWNER)
    return list(call.session.scalars(chain))


def _refuse_taken(call: Call, full_path: str) -> None:
    taken = call.session.scalar(select(Namespace.id).where(Namespace.full_path == full_path))
    if taken is None:
        taken = call.session.scalar(select(Project.id).where(Project.full_path == full_path))
    if taken is not None:
        raise rejected(400, 'Failed to save group {:path=>["has already been taken"]}')


def _check_visibility(visibility: Visibility, parent: Namespace) -> None:
    if visibility.rank > parent.visibility.rank:
        raise rejected(
            400,
            "Failed to save group {:visibility_level=>"
            f'["{visibility} is not allowed since the parent group has a {parent.visibility} visibility."]}}',
        )


def _move(call: Call, group: Namespace, path: str) -> None:
    check_path(path, top_level=group.parent is None)
    old = group.full_path
    new = f"{group.parent.full_path}/{path}" if group.parent else path
    if new.lower() != old.lower():
        _refuse_taken(call, new)
    group.path = path
    group.full_path = new
    inside = f"{old}/"
    groups = call.session.scalars(select(Namespace).where(Namespace.full_path.startswith(inside, autoescape=True)))
    projects = call.session.scalars(select(Project).where(Project.full_path.startswith(inside, autoescape=True)))
    for row in [*groups, *projects]:
        row.full_path = new + row.full_path[len(old) :]


def _rename(call: Call, group: Namespace) -> None:
    group.full_name = f"{group.parent.full_name} / {group.name}" if group.parent else group.name
    for child in call.session.scalars(select(Namespace).where(Namespace.parent_id == group.id)):
        _rename(call, child)
