"""Protected environments: recorded and given back; who may deploy is not enforced here."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from sqlalchemy import select

from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import conflict, not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Environment, Project, ProtectedEnvironment

__all__ = ["routes"]

routes = Routes(anonymous=False)

_DEPLOYERS = {Level.DEVELOPER: "Developers + Maintainers", Level.MAINTAINER: "Maintainers", 60: "Administrators"}


class Entry(Params):
    """Who: a role, a user or a group. With an id it changes an entry that is there."""

    id: int | None = None
    access_level: int | None = None
    user_id: int | None = None
    group_id: int | None = None
    group_inheritance_type: int = 0
    required_approvals: int | None = None
    destroy: bool = Field(default=False, alias="_destroy")


class Protection(Params):
    """PUT projects/:id/protected_environments/:name."""

    deploy_access_levels: list[Entry] = Field(default_factory=list)
    approval_rules: list[Entry] = Field(default_factory=list)


class CreateProtection(Protection):
    """POST projects/:id/protected_environments."""

    name: NotEmpty
    deploy_access_levels: list[Entry] = Field(min_length=1)


@routes.get("/projects/{id}/protected_environments")
def list_protections(call: Call) -> Page:
    """All protected environments of a project."""
    project = call.project(Level.MAINTAINER)
    statement = select(ProtectedEnvironment).where(ProtectedEnvironment.project_id == project.id)
    return call.page(statement.order_by(ProtectedEnvironment.id), ProtectedEnvironment.id, _entity)


@routes.get("/projects/{id}/protected_environments/{name}")
def get_protection(call: Call) -> dict[str, Any]:
    """One of them."""
    return _entity(_find(call))


@routes.post("/projects/{id}/protected_environments")
def create_protection(call: Call, params: CreateProtection) -> dict[str, Any]:
    """Protect an environment."""
    project = call.project(Level.MAINTAINER)
    if call.session.scalar(_named(project, params.name)) is not None:
        raise conflict(f"Protected environment '{params.name}' already exists")
    known = select(Environment.id).where(Environment.project_id == project.id, Environment.name == params.name)
    if call.session.scalar(known) is None:
        raise rejected(422, {"name": [f"environment '{params.name}' does not exist"]})
    row = ProtectedEnvironment(project_id=project.id, name=params.name, entries=0)
    _apply(row, params)
    return _entity(call.add(row))


@routes.put("/projects/{id}/protected_environments/{name}")
def update_protection(call: Call, params: Protection) -> dict[str, Any]:
    """Change who may deploy: entries without an id are added, those with one changed or removed."""
    row = _find(call)
    _apply(row, params)
    call.session.flush()
    return _entity(row)


@routes.delete("/projects/{id}/protected_environments/{name}")
def delete_protection(call: Call) -> None:
    """Let everybody deploy again."""
    call.session.delete(_find(call))


def _named(project: Project, name: str) -> Any:
    return select(ProtectedEnvironment).where(
        ProtectedEnvironment.project_id == project.id, ProtectedEnvironment.name == name
    )


def _find(call: Call) -> ProtectedEnvironment:
    found: ProtectedEnvironment | None = call.session.scalar(_named(call.project(Level.MAINTAINER), call.path["name"]))
    if found is None:
        raise not_found()
    return found


def _apply(row: ProtectedEnvironment, params: Protection) -> None:
    row.deploy_access_levels = _merged(row, row.deploy_access_levels or [], params.deploy_access_levels)
    row.approval_rules = _merged(row, row.approval_rules or [], params.approval_rules)


def _merged(row: ProtectedEnvironment, current: list[dict[str, Any]], changes: list[Entry]) -> list[dict[str, Any]]:
    entries = {entry["id"]: entry for entry in current}
    for change in changes:
        if change.destroy:
            entries.pop(change.id, None)
            continue
        if change.id is None:
            row.entries += 1
        number = change.id or row.entries
        entries[number] = {**entries.get(number, {}), **change.model_dump(exclude={"destroy", "id"}), "id": number}
    return list(entries.values())


def _entity(row: ProtectedEnvironment) -> dict[str, Any]:
    return {
        "name": row.name,
        "deploy_access_levels": [
            {
                "id": entry["id"],
                "access_level": entry["access_level"],
                "access_level_description": _DEPLOYERS.get(entry["access_level"], "Role"),
                "user_id": entry["user_id"],
                "group_id": entry["group_id"],
                "group_inheritance_type": entry["group_inheritance_type"],
            }
            for entry in row.deploy_access_levels
        ],
        "required_approval_count": 0,
        "approval_rules": row.approval_rules,
    }
