"""Projects."""

from __future__ import annotations

from functools import partial
from typing import Any

from sqlalchemy import select

from testbed.gitlab.api.entities import check_name, check_path
from testbed.gitlab.api.project_attributes import ProjectAttributes
from testbed.gitlab.api.project_entities import project_entity, project_simple
from testbed.gitlab.api.project_filter import ProjectFilter, filtered
from testbed.gitlab.core.access import level_of, visible_projects
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, invalid, parameter_error
from testbed.gitlab.core.levels import Level, Visibility
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import CommaSeparated
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.repositories.commits import Action
from testbed.gitlab.repositories.rules import BRANCHES
from testbed.gitlab.repositories.storage import is_empty
from testbed.gitlab.repositories.writing import NewCommit, commit
from testbed.gitlab.store import Member, Namespace, Project

__all__ = ["routes"]

routes = Routes()

CREATION_LEVELS = {
    "noone": Level.ADMIN,
    "administrator": Level.ADMIN,
    "owner": Level.OWNER,
    "maintainer": Level.MAINTAINER,
    "developer": Level.DEVELOPER,
}


class ProjectBasics(ProjectAttributes):
    """What both creation and change take."""

    name: str | None = None
    path: str | None = None
    description: str | None = None
    visibility: Visibility | None = None
    default_branch: str | None = None
    topics: CommaSeparated | None = None
    tag_list: CommaSeparated | None = None


class CreateProject(ProjectBasics):
    """POST projects."""

    namespace_id: int | None = None
    initialize_with_readme: bool = False


@routes.get("/projects")
def list_projects(call: Call, params: ProjectFilter) -> Page:
    """The projects that the actor can see."""
    render = project_simple if params.simple or call.actor.user is None else project_entity
    statement = select(Project).where(visible_projects(call.session, call.actor))
    return call.page(filtered(call, statement, params), Project.id, lambda row: render(call, row))


@routes.get("/users/{user_id}/projects")
def list_user_projects(call: Call, params: ProjectFilter) -> Page:
    """The projects in a user's own namespace."""
    statement = select(Project).where(visible_projects(call.session, call.actor))
    owner = Namespace.owner_id == call.number("user_id", "User")
    statement = statement.join(Namespace, Project.namespace_id == Namespace.id).where(owner)
    return call.page(filtered(call, statement, params), Project.id, lambda row: project_entity(call, row))


@routes.post("/projects")
def create_project(call: Call, params: CreateProject) -> dict[str, Any]:
    """Create a project in a group, or in the actor's own namespace."""
    if not params.name and not params.path:
        raise parameter_error("name, path are missing, at least one parameter must be provided")
    namespace = _namespace(call, params.namespace_id)
    path = params.path or _path_of(params.name or "")
    name = params.name or path
    check_name(name)
    check_path(path, top_level=False)
    _refuse_taken(call, namespace, name, path)
    visibility = params.visibility or Visibility.PRIVATE
    _check_visibility(visibility, namespace)
    project = call.add(
        Project(
            name=name,
            path=path,
            full_path=f"{namespace.full_path}/{path}",
            namespace_id=namespace.id,
            namespace=namespace,
            creator_id=call.user.id,
            description=params.description,
            visibility=visibility,
            default_branch=params.default_branch or _initial_branch(namespace),
            topics=params.topics or params.tag_list or [],
            attributes=params.chosen(),
        )
    )
    if namespace.personal:
        call.add(Member(project_id=project.id, user_id=call.user.id, access_level=Level.OWNER))
    call.forge.storage.create(project.id, project.default_branch)
    if params.initialize_with_readme:
        _write_readme(call, project)
    return project_entity(call, project)


@routes.get("/projects/{id}")
def get_project(call: Call) -> dict[str, Any]:
    """One project."""
    project = call.project()
    return project_entity(call, project) if call.actor.user else project_simple(call, project)


@routes.put("/projects/{id}")
def update_project(call: Call, params: ProjectBasics) -> dict[str, Any]:
    """Change a project."""
    project = call.project(Level.MAINTAINER)
    if not params.model_fields_set:
        raise parameter_error("at least one parameter must be provided")
    if params.visibility is not None and params.visibility is not project.visibility:
        call.need(project, Level.OWNER)
        _check_visibility(params.visibility, project.namespace)
        project.visibility = params.visibility
    if "description" in params.model_fields_set:
        project.description = params.description
    if (topics := params.topics if params.topics is not None else params.tag_list) is not None:
        project.topics = topics
    if params.name or params.path:
        _rename(call, project, params.name or project.name, params.path or project.path)
    if params.default_branch and params.default_branch != project.default_branch:
        _change_head(call, project, params.default_branch)
    project.attributes = {**project.attributes, **params.chosen()}
    call.session.flush()
    return project_entity(call, project)


@routes.delete("/projects/{id}", status=202)
def delete_project(call: Call) -> dict[str, str]:
    """Remove a project with its repository."""
    project = call.project(Level.OWNER)
    call.session.delete(project)
    call.when_kept(partial(call.forge.storage.delete, project.id))
    return {"message": "202 Accepted"}


@routes.post("/projects/{id}/archive")
def archive_project(call: Call) -> dict[str, Any]:
    """Make a project read-only."""
    return _set_archived(call, True)


@routes.post("/projects/{id}/unarchive")
def unarchive_project(call: Call) -> dict[str, Any]:
    """Make a project writable again."""
    return _set_archived(call, False)


@routes.get("/projects/{id}/languages")
def list_languages(call: Call) -> dict[str, float]:
    """Nobody counts languages here."""
    call.project()
    return {}


def _namespace(call: Call, number: int | None) -> Namespace:
    if number is None:
        own = call.session.scalar(select(Namespace).where(Namespace.owner_id == call.user.id))
        if own is None:
            raise forbidden()
        return own
    namespace = call.session.get(Namespace, number)
    if namespace is None or level_of(call.session, call.actor, namespace) == Level.NONE:
        raise invalid(namespace="is not valid")
    least = CREATION_LEVELS[namespace.attributes.get("project_creation_level", "developer")]
    if not call.actor.admin and call.level(namespace) < least:
        raise forbidden()
    return namespace


def _path_of(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "_.-" else "-" for letter in name.strip())
    return kept.strip("-.").lower()


def _initial_branch(namespace: Namespace) -> str:
    for group in namespace.lineage():
        if group.attributes.get("default_branch"):
            return str(group.attributes["default_branch"])
    return "main"


def _refuse_taken(call: Call, namespace: Namespace, name: str, path: str, but: int | None = None) -> None:
    full_path = f"{namespace.full_path}/{path}"
    taken = "has already been taken"
    same_path = select(Project.id).where(Project.full_path == full_path, Project.id != but)
    if call.session.scalar(same_path) is not None:
        raise invalid(**{"project_namespace.name": taken, "name": taken, "path": taken})
    if call.session.scalar(select(Namespace.id).where(Namespace.full_path == full_path)) is not None:
        raise invalid(path=taken)
    same_name = select(Project.id).where(Project.namespace_id == namespace.id, Project.name == name, Project.id != but)
    if call.session.scalar(same_name) is not None:
        raise invalid(**{"project_namespace.name": taken, "name": taken})


def _check_visibility(visibility: Visibility, namespace: Namespace) -> None:
    if not namespace.personal and visibility.rank > namespace.visibility.rank:
        raise invalid(visibility_level=f"{visibility} is not allowed in a {namespace.visibility} group.")


def _write_readme(call: Call, project: Project) -> None:
    text = f"# {project.name}\n\n{project.description or ''}".rstrip() + "\n"
    readme = Action(action="create", file_path="README.md", content=text)
    commit(call, project, NewCommit(branch=project.default_branch, message="Initial commit", actions=[readme]))


def _rename(call: Call, project: Project, name: str, path: str) -> None:
    if (name, path) == (project.name, project.path):
        return
    check_name(name)
    check_path(path, top_level=False)
    _refuse_taken(call, project.namespace, name, path, project.id)
    if path != project.path:
        call.need(project, Level.OWNER)
    project.name, project.path = name, path
    project.full_path = f"{project.namespace.full_path}/{path}"


def _change_head(call: Call, project: Project, branch: str) -> None:
    repository = call.forge.storage.open(project.id)
    if not is_empty(repository) and branch not in repository.branches.local:
        raise invalid(base=f"Could not change HEAD: branch '{branch}' does not exist")
    repository.set_head(BRANCHES + branch)
    project.default_branch = branch


def _set_archived(call: Call, archived: bool) -> dict[str, Any]:
    project = call.project(Level.OWNER)
    project.archived = archived
    call.session.flush()
    return project_entity(call, project)
