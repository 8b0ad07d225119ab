"""Moving a project into another group."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from testbed.gitlab.api.project_entities import project_entity
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Namespace, Project

__all__ = ["routes"]

routes = Routes(anonymous=False)


class Transfer(Params):
    """PUT projects/:id/transfer."""

    namespace: NotEmpty


@routes.put("/projects/{id}/transfer")
def transfer_project(call: Call, params: Transfer) -> dict[str, Any]:
    """Move a project; its number and everything in it stay."""
    project = call.project(Level.OWNER)
    target = call.find(Namespace, params.namespace)
    if target is None:
        raise not_found("Namespace")
    if call.level(target) < Level.MAINTAINER:
        raise forbidden()
    path = f"{target.full_path}/{project.path}"
    if call.session.scalar(select(Project.id).where(Project.full_path == path)) is not None:
        raise rejected(400, "Transfer failed: a project with the same name or path is there already")
    project.namespace, project.full_path = target, path
    call.session.flush()
    return project_entity(call, project)
