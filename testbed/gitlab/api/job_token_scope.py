"""Whose job tokens open a project."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from testbed.gitlab.api.entities import web_url
from testbed.gitlab.api.project_entities import project_simple
from testbed.gitlab.core.access import can_see
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import bad_request, not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Container, JobTokenAllowed, JobTokenScope, Namespace, Project

__all__ = ["routes"]

routes = Routes(anonymous=False)

MOST = 200
"""Entries on a list."""


class SetScope(Params):
    """PATCH projects/:id/job_token_scope."""

    enabled: bool


class AllowProject(Params):
    """POST projects/:id/job_token_scope/allowlist."""

    target_project_id: int


class AllowGroup(Params):
    """POST projects/:id/job_token_scope/groups_allowlist."""

    target_group_id: int


@routes.get("/projects/{id}/job_token_scope")
def get_scope(call: Call) -> dict[str, bool]:
    """Whether the list counts."""
    project = call.project(Level.MAINTAINER)
    found = call.session.scalar(select(JobTokenScope).where(JobTokenScope.project_id == project.id))
    return {"inbound_enabled": found is None or found.inbound_enabled, "outbound_enabled": False}


@routes.patch("/projects/{id}/job_token_scope", status=204)
def set_scope(call: Call, params: SetScope) -> None:
    """Let the list count, or let everybody in."""
    project = call.project(Level.MAINTAINER)
    found = call.session.scalar(select(JobTokenScope).where(JobTokenScope.project_id == project.id))
    scope = found or call.add(JobTokenScope(project_id=project.id))
    scope.inbound_enabled = params.enabled


@routes.get("/projects/{id}/job_token_scope/allowlist")
def list_projects(call: Call) -> Page:
    """The projects that are let in; a project always lets in itself."""
    project = call.project(Level.MAINTAINER)
    allowed = select(JobTokenAllowed.project_id).where(JobTokenAllowed.source_id == project.id)
    statement = select(Project).where((Project.id == project.id) | Project.id.in_(allowed)).order_by(Project.id)
    return call.page(statement, Project.id, lambda row: project_simple(call, row))


@routes.post("/projects/{id}/job_token_scope/allowlist")
def allow_project(call: Call, params: AllowProject) -> dict[str, int]:
    """Let in a project."""
    project = call.project(Level.MAINTAINER)
    target = call.session.get(Project, params.target_project_id)
    if target is None or not can_see(call.session, call.actor, target):
        raise not_found("target_project_id")
    _allow(call, project, target)
    return {"source_project_id": project.id, "target_project_id": target.id}


@routes.delete("/projects/{id}/job_token_scope/allowlist/{target_id}")
def refuse_project(call: Call) -> None:
    """Let in a project no more."""
    project = call.project(Level.MAINTAINER)
    number = call.number("target_id", "target_project_id")
    if number == project.id:
        raise bad_request("Ci::JobToken::ProjectScopeLink cannot be removed: a project allows itself")
    _refuse(call, project, call.session.get(Project, number), "target_project_id")


@routes.get("/projects/{id}/job_token_scope/groups_allowlist")
def list_groups(call: Call) -> Page:
    """The groups whose projects are let in."""
    project = call.project(Level.MAINTAINER)
    allowed = select(JobTokenAllowed.namespace_id).where(JobTokenAllowed.source_id == project.id)
    statement = select(Namespace).where(Namespace.id.in_(allowed)).order_by(Namespace.id)
    return call.page(statement, Namespace.id, lambda row: _group(call, row))


@routes.post("/projects/{id}/job_token_scope/groups_allowlist")
def allow_group(call: Call, params: AllowGroup) -> dict[str, int]:
    """Let in the projects of a group."""
    project = call.project(Level.MAINTAINER)
    target = call.session.get(Namespace, params.target_group_id)
    if target is None or target.personal or not can_see(call.session, call.actor, target):
        raise not_found("target_group_id")
    _allow(call, project, target)
    return {"source_project_id": project.id, "target_group_id": target.id}


@routes.delete("/projects/{id}/job_token_scope/groups_allowlist/{target_id}")
def refuse_group(call: Call) -> None:
    """Let in the projects of a group no more."""
    project = call.project(Level.MAINTAINER)
    target = call.session.get(Namespace, call.number("target_id", "target_group_id"))
    _refuse(call, project, target, "target_group_id")


def _allow(call: Call, project: Project, target: Container) -> None:
    present = call.session.scalars(select(JobTokenAllowed).where(JobTokenAllowed.source_id == project.id)).all()
    if target is project or any(row.container is target for row in present):
        raise rejected(400, "400 Bad request - This project is already in the job token allowlist.")
    if len(present) >= MOST:
        raise rejected(400, f"400 Bad request - Allowlist can't have more than {MOST} entries")
    owner = {"project" if isinstance(target, Project) else "namespace": target}
    call.add(JobTokenAllowed(source_id=project.id, **owner))


def _refuse(call: Call, project: Project, target: Container | None, what: str) -> None:
    found = None
    if target is not None:
        same = select(JobTokenAllowed).where(JobTokenAllowed.source_id == project.id, JobTokenAllowed.of(target))
        found = call.session.scalar(same)
    if found is None:
        raise not_found(what)
    call.session.delete(found)


def _group(call: Call, group: Namespace) -> dict[str, Any]:
    return {"id": group.id, "web_url": web_url(group, call.forge), "name": group.name}
