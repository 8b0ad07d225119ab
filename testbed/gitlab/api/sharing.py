"""Sharing groups and projects with other groups: recorded and given back; it opens nothing here."""

from __future__ import annotations

from datetime import date
from typing import Any

from testbed.gitlab.api.project_entities import project_entity
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import not_found, parameter_error
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Namespace, Project

__all__ = ["routes"]

routes = Routes(anonymous=False)


class Share(Params):
    """POST :container/share."""

    group_id: int
    group_access: int
    expires_at: date | None = None


@routes.post("/:container/share")
def share(call: Call, params: Share) -> dict[str, Any]:
    """Invite a group."""
    container = call.container(Level.MAINTAINER if call.kind == "projects" else Level.OWNER)
    if params.group_access not in set(Level) - {Level.NONE}:
        raise parameter_error("group_access does not have a valid value")
    group = call.session.get(Namespace, params.group_id)
    if group is None or group.personal:
        raise not_found("Group")
    entry = {
        "group_id": group.id,
        "group_name": group.name,
        "group_full_path": group.full_path,
        "group_access_level": params.group_access,
        "expires_at": params.expires_at.isoformat() if params.expires_at else None,
    }
    _keep(container, [*_without(container, group.id), entry])
    call.session.flush()
    if isinstance(container, Project):
        return project_entity(call, container)
    return {"id": container.id, "full_path": container.full_path, "shared_with_groups": _shares(container)}


@routes.delete("/:container/share/{group_id}")
def unshare(call: Call) -> None:
    """Take an invitation back."""
    container = call.container(Level.MAINTAINER if call.kind == "projects" else Level.OWNER)
    number = call.number("group_id", "Group Link")
    remaining = _without(container, number)
    if len(remaining) == len(_shares(container)):
        raise not_found("Group Link")
    _keep(container, remaining)


def _shares(container: Namespace | Project) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = container.attributes.get("shared_with_groups", [])
    return found


def _without(container: Namespace | Project, group_id: int) -> list[dict[str, Any]]:
    return [entry for entry in _shares(container) if entry["group_id"] != group_id]


def _keep(container: Namespace | Project, entries: list[dict[str, Any]]) -> None:
    container.attributes = {**container.attributes, "shared_with_groups": entries}
