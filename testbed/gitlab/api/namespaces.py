"""Namespaces: groups and users' own, in one list."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from testbed.gitlab.api.entities import namespace_entity
from testbed.gitlab.core.access import member_of_group, visible_groups
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Namespace

__all__ = ["routes"]

routes = Routes(anonymous=False)


class ListNamespaces(Params):
    """GET namespaces."""

    search: str | None = None
    owned_only: bool = False


@routes.get("/namespaces")
def list_namespaces(call: Call, params: ListNamespaces) -> Page:
    """The actor's own namespace and the groups in sight; for administrators all."""
    groups = Namespace.owner_id.is_(None) & visible_groups(call.session, call.actor)
    statement = select(Namespace).where(or_(Namespace.owner_id == call.user.id, groups)).order_by(Namespace.id)
    if params.search:
        statement = statement.where(Namespace.full_path.icontains(params.search, autoescape=True))
    if params.owned_only:
        statement = statement.where(member_of_group(call.session, call.actor, Level.OWNER))
    return call.page(statement, Namespace.id, lambda row: namespace_entity(row, call.forge))


@routes.get("/namespaces/{id}")
def get_namespace(call: Call) -> dict[str, Any]:
    """One namespace, by number or path."""
    found = call.find(Namespace, call.path["id"])
    if found is None or call.level(found) < Level.MINIMAL:
        raise not_found("Namespace")
    return namespace_entity(found, call.forge)
