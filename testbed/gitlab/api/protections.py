"""Protected branches and tags."""

from __future__ import annotations

from typing import Any

from pydantic import Field
from sqlalchemy import select

from testbed.gitlab.core.access import effective_members
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import conflict, missing, not_found, parameter_error, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.store import Access, Namespace, Project, ProtectedRef, User

__all__ = ["routes"]

routes = Routes(anonymous=False)

BRANCH_ACTIONS = ("push", "merge", "unprotect")
BRANCH_LEVELS = (Level.NONE, Level.DEVELOPER, Level.MAINTAINER, Level.ADMIN)


class AccessEntry(Params):
    """One entry of ``allowed_to_...``."""

    access_level: int | None = None
    user_id: int | None = None
    group_id: int | None = None
    deploy_key_id: int | None = None
    id: int | None = None
    destroy: bool = Field(False, alias="_destroy")


class Entries(Params):
    """The lists of who is allowed."""

    allowed_to_push: list[AccessEntry] = Field(default_factory=list)
    allowed_to_merge: list[AccessEntry] = Field(default_factory=list)
    allowed_to_unprotect: list[AccessEntry] = Field(default_factory=list)


class ProtectBranch(Entries):
    """POST projects/:id/protected_branches."""

    name: NotEmpty
    push_access_level: int | None = None
    merge_access_level: int | None = None
    unprotect_access_level: int | None = None
    allow_force_push: bool = False
    code_owner_approval_required: bool = False


class ChangeBranch(Entries):
    """PATCH projects/:id/protected_branches/:name."""

    allow_force_push: bool | None = None
    code_owner_approval_required: bool | None = None


class ProtectTag(Params):
    """POST projects/:id/protected_tags."""

    name: NotEmpty
    create_access_level: int | None = None
    allowed_to_create: list[AccessEntry] = Field(default_factory=list)


class Search(Params):
    """GET of a list."""

    search: str | None = None


def branch_entity(protection: ProtectedRef) -> dict[str, Any]:
    """A protected branch."""
    return {
        "id": protection.id,
        "name": protection.name,
        "push_access_levels": [_access_entity(each) for each in protection.allowed("push")],
        "merge_access_levels": [_access_entity(each) for each in protection.allowed("merge")],
        "allow_force_push": bool(protection.attributes.get("allow_force_push")),
        "unprotect_access_levels": [_access_entity(each) for each in protection.allowed("unprotect")],
        "code_owner_approval_required": bool(protection.attributes.get("code_owner_approval_required")),
        "inherited": False,
    }


def tag_entity(protection: ProtectedRef) -> dict[str, Any]:
    """A protected tag."""
    levels = [_access_entity(each) for each in protection.allowed("create")]
    return {"name": protection.name, "create_access_levels": levels}


@routes.get("/projects/{id}/protected_branches")
def list_protected_branches(call: Call, params: Search) -> Page:
    """The protected branches."""
    return _list(call, "branch", params, branch_entity)


@routes.get("/projects/{id}/protected_branches/{name}")
def get_protected_branch(call: Call) -> dict[str, Any]:
    """One protected branch."""
    return branch_entity(_find(call, call.project(Level.MAINTAINER), "branch"))


@routes.post("/projects/{id}/protected_branches")
def protect_branch(call: Call, params: ProtectBranch) -> dict[str, Any]:
    """Protect the branches with a name, or matching a pattern."""
    project = call.project(Level.MAINTAINER)
    _refuse_twice(call, project, "branch", params.name)
    accesses: list[Access] = []
    for action in BRANCH_ACTIONS:
        level: int | None = getattr(params, f"{action}_access_level")
        entries: list[AccessEntry] = getattr(params, f"allowed_to_{action}")
        if level is not None:
            accesses.append(_role(action, level))
        elif not entries and action != "unprotect":
            accesses.append(_role(action, Level.MAINTAINER))
        accesses.extend(_access(call, project, action, entry) for entry in entries)
    protection = ProtectedRef(
        project_id=project.id,
        kind="branch",
        name=params.name,
        accesses=accesses,
        attributes={
            "allow_force_push": params.allow_force_push,
            "code_owner_approval_required": params.code_owner_approval_required,
        },
    )
    return branch_entity(call.add(protection))


@routes.patch("/projects/{id}/protected_branches/{name}")
def change_protected_branch(call: Call, params: ChangeBranch) -> dict[str, Any]:
    """Change a protection: flags, and entries by number, anew, or to be removed."""
    project = call.project(Level.MAINTAINER)
    protection = _find(call, project, "branch")
    protection.attributes = {**protection.attributes, **params.given(*Entries.model_fields)}
    for action in BRANCH_ACTIONS:
        for entry in getattr(params, f"allowed_to_{action}"):
            _change_entry(call, project, protection, action, entry)
    call.session.flush()
    call.session.refresh(protection)
    return branch_entity(protection)


@routes.delete("/projects/{id}/protected_branches/{name}")
def unprotect_branch(call: Call) -> None:
    """Remove a protection."""
    call.session.delete(_find(call, call.project(Level.MAINTAINER), "branch"))


@routes.get("/projects/{id}/protected_tags")
def list_protected_tags(call: Call, params: Search) -> Page:
    """The protected tags."""
    return _list(call, "tag", params, tag_entity)


@routes.get("/projects/{id}/protected_tags/{name}")
def get_protected_tag(call: Call) -> dict[str, Any]:
    """One protected tag."""
    return tag_entity(_find(call, call.project(Level.MAINTAINER), "tag"))


@routes.post("/projects/{id}/protected_tags")
def protect_tag(call: Call, params: ProtectTag) -> dict[str, Any]:
    """Protect the tags with a name, or matching a pattern."""
    project = call.project(Level.MAINTAINER)
    _refuse_twice(call, project, "tag", params.name)
    entries = params.allowed_to_create
    accesses = [_access(call, project, "create", entry) for entry in entries]
    if params.create_access_level is not None or not entries:
        level = Level.MAINTAINER if params.create_access_level is None else params.create_access_level
        accesses.insert(0, _role("create", level))
    return tag_entity(call.add(ProtectedRef(project_id=project.id, kind="tag", name=params.name, accesses=accesses)))


@routes.delete("/projects/{id}/protected_tags/{name}")
def unprotect_tag(call: Call) -> None:
    """Remove a protection."""
    call.session.delete(_find(call, call.project(Level.MAINTAINER), "tag"))


def _list(call: Call, kind: str, params: Search, render: Any) -> Page:
    project = call.project(Level.MAINTAINER)
    rows = select(ProtectedRef).where(ProtectedRef.project_id == project.id, ProtectedRef.kind == kind)
    if params.search:
        rows = rows.where(ProtectedRef.name.icontains(params.search, autoescape=True))
    return call.page(rows.order_by(ProtectedRef.name), ProtectedRef.id, render)


def _find(call: Call, project: Project, kind: str) -> ProtectedRef:
    statement = select(ProtectedRef).where(
        ProtectedRef.project_id == project.id, ProtectedRef.kind == kind, ProtectedRef.name == call.path["name"]
    )
    found = call.session.scalar(statement)
    if found is None:
        raise missing()
    return found


def _refuse_twice(call: Call, project: Project, kind: str, name: str) -> None:
    statement = select(ProtectedRef.id).where(
        ProtectedRef.project_id == project.id, ProtectedRef.kind == kind, ProtectedRef.name == name
    )
    if call.session.scalar(statement) is None:
        return
    if kind == "branch":
        raise conflict(f"Protected branch '{name}' already exists")
    raise rejected(422, ["Name has already been taken"])


def _role(action: str, level: int) -> Access:
    if level not in BRANCH_LEVELS:
        raise parameter_error(f"{action}_access_level does not have a valid value")
    return Access(action=action, access_level=Level(level))


def _access(call: Call, project: Project, action: str, entry: AccessEntry) -> Access:
    """A new entry for a role, a user, a group or a key."""
    if entry.user_id is not None:
        user = call.session.get(User, entry.user_id)
        if user is None or not _belongs(call, project, user):
            raise rejected(422, [f"{action.capitalize()} access levels user is not a member of the project"])
        return Access(action=action, access_level=Level.MAINTAINER, user_id=user.id, user=user)
    if entry.group_id is not None:
        group = call.session.get(Namespace, entry.group_id)
        if group is None or group.personal:
            raise rejected(422, [f"{action.capitalize()} access levels group can't be blank"])
        return Access(action=action, access_level=Level.MAINTAINER, group_id=group.id, group=group)
    if entry.deploy_key_id is not None:
        return Access(action=action, access_level=Level.MAINTAINER, deploy_key_id=entry.deploy_key_id)
    return _role(action, Level.MAINTAINER if entry.access_level is None else entry.access_level)


def _belongs(call: Call, project: Project, user: User) -> bool:
    return user.admin or any(member.user_id == user.id for member in effective_members(call.session, project))


def _change_entry(call: Call, project: Project, protection: ProtectedRef, action: str, entry: AccessEntry) -> None:
    if entry.id is None:
        protection.accesses.append(_access(call, project, action, entry))
        return
    found = next((each for each in protection.allowed(action) if each.id == entry.id), None)
    if found is None:
        raise not_found()
    if entry.destroy:
        protection.accesses.remove(found)
    elif entry.access_level is not None:
        found.access_level = _role(action, entry.access_level).access_level


def _access_entity(access: Access) -> dict[str, Any]:
    description = access.access_level.description
    if access.user is not None:
        description = access.user.name
    elif access.group is not None:
        description = access.group.name
    return {
        "id": access.id,
        "access_level": access.access_level,
        "access_level_description": description,
        "deploy_key_id": access.deploy_key_id,
        "user_id": access.user_id,
        "group_id": access.group_id,
    }
