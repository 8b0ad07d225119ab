"""Forks: copies of projects that remember where they are from."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from testbed.gitlab.api.entities import check_name, check_path
from testbed.gitlab.api.project_entities import project_entity
from testbed.gitlab.core.access import level_of, reads_code, visible_projects
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import conflict, forbidden, not_found
from testbed.gitlab.core.levels import Level, Visibility
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.branches import copy_branches
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.repositories.policy import protect_default_branch
from testbed.gitlab.store import Member, Namespace, Project

__all__ = ["routes"]

routes = Routes()


class Fork(Params):
    """POST projects/:id/fork."""

    namespace: int | str | None = None
    namespace_id: int | None = None
    namespace_path: str | None = None
    name: str | None = None
    path: str | None = None
    description: str | None = None
    visibility: Visibility | None = None
    branches: str | None = None
    """Copy this branch alone."""


@routes.get("/projects/{id}/forks")
def list_forks(call: Call) -> Page:
    """The forks of a project that the actor can see."""
    project = call.project()
    statement = select(Project).where(Project.forked_from_id == project.id, visible_projects(call.session, call.actor))
    return call.page(statement.order_by(Project.id), Project.id, lambda row: project_entity(call, row))


@routes.post("/projects/{id}/fork")
def fork_project(call: Call, params: Fork) -> dict[str, Any]:
    """Copy a project, with its branches and tags, into another namespace."""
    origin = call.project()
    if not reads_code(call.session, call.actor, origin) or setting(origin, "forking_access_level") == "disabled":
        raise forbidden()
    namespace = _namespace(call, params)
    name, path = params.name or origin.name, params.path or origin.path
    check_name(name)
    check_path(path, top_level=False)
    _refuse_taken(call, namespace, name, path)
    fork = call.add(
        Project(
            name=name,
            path=path,
            full_path=f"{namespace.full_path}/{path}",
            namespace=namespace,
            creator_id=call.user.id,
            description=params.description or origin.description,
            visibility=_visibility(origin, namespace, params.visibility),
            default_branch=params.branches or origin.default_branch,
            topics=list(origin.topics),
            attributes={"merge_method": setting(origin, "merge_method")},
            forked_from=origin,
        )
    )
    if namespace.personal:
        call.add(Member(project_id=fork.id, user_id=call.user.id, access_level=Level.OWNER))
    call.forge.storage.create(fork.id, fork.default_branch)
    copy_branches(call.forge, origin.id, fork.id, only=params.branches)
    protect_default_branch(call.session, fork)
    return project_entity(call, fork)


@routes.post("/projects/{id}/fork/{forked_from_id}")
def create_fork_relation(call: Call) -> dict[str, Any]:
    """Say that a project is a fork."""
    project = call.project(Level.OWNER)
    origin = call.find(Project, call.path["forked_from_id"])
    if origin is None or not reads_code(call.session, call.actor, origin):
        raise not_found("Source Project")
    if project.forked_from_id is not None:
        raise conflict("Project already forked")
    project.forked_from = origin
    call.session.flush()
    return project_entity(call, project)


@routes.delete("/projects/{id}/fork")
def delete_fork_relation(call: Call) -> None:
    """Forget what a project was forked from."""
    call.project(Level.OWNER).forked_from = None


def _namespace(call: Call, params: Fork) -> Namespace:
    wanted = params.namespace_id or params.namespace_path or params.namespace
    if wanted is None:
        found = call.session.scalar(select(Namespace).where(Namespace.owner_id == call.user.id))
    else:
        found = call.find(Namespace, str(wanted))
    if found is None or level_of(call.session, call.actor, found) < Level.DEVELOPER:
        raise not_found("Target Namespace")
    return found


def _refuse_taken(call: Call, namespace: Namespace, name: str, path: str) -> None:
    same = or_(Project.full_path == f"{namespace.full_path}/{path}", Project.name == name)
    taken = "has already been taken"
    if call.session.scalar(select(Project.id).where(Project.namespace_id == namespace.id, same)) is not None:
        raise conflict({"project_namespace.name": [taken], "path": [taken], "name": [taken]})


def _visibility(origin: Project, namespace: Namespace, wanted: Visibility | None) -> Visibility:
    """As open as wanted, but no more than the origin and the namespace."""
    limits = [origin.visibility] if namespace.personal else [origin.visibility, namespace.visibility]
    return min([*limits, *([wanted] if wanted else [])], key=lambda each: each.rank)
