"""Branches."""

from __future__ import annotations

import re
from typing import Any

import pygit2

from testbed.gitlab.api.entities import web_url
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.repositories.commits import commit_entity
from testbed.gitlab.repositories.policy import push_policy
from testbed.gitlab.repositories.reading import code_of, resolve
from testbed.gitlab.repositories.rules import BRANCHES, ZERO, Change, PushPolicy, refusal
from testbed.gitlab.repositories.writing import update_ref
from testbed.gitlab.store import Project

__all__ = ["routes"]

routes = Routes()


class CreateBranch(Params):
    """POST projects/:id/repository/branches."""

    branch: NotEmpty
    ref: NotEmpty


class ListBranches(Params):
    """GET projects/:id/repository/branches."""

    search: str | None = None
    regex: str | None = None
    sort: str = "name_asc"


def branch_entity(call: Call, project: Project, policy: PushPolicy, branch: pygit2.Branch) -> dict[str, Any]:
    """A branch with its newest commit."""
    name = branch.branch_name
    page = web_url(project, call.forge)
    rules = policy.matching("branch", name)
    developer = call.level(project) >= Level.DEVELOPER
    return {
        "name": name,
        "commit": commit_entity(branch.peel(pygit2.Commit), page),
        "merged": _merged(call.forge.storage.open(project.id), project, branch),
        "protected": bool(rules),
        "developers_can_push": False,
        "developers_can_merge": False,
        "can_push": developer and (not rules or any(rule.push for rule in rules)),
        "default": name == project.default_branch,
        "web_url": f"{page}/-/tree/{name}",
    }


@routes.get("/projects/{id}/repository/branches")
def list_branches(call: Call, params: ListBranches) -> Page:
    """The branches, or those found by name."""
    project, repository = code_of(call)
    names = sorted(repository.branches.local)
    if params.search:
        names = [name for name in names if _found(params.search, name)]
    if params.regex:
        names = [name for name in names if re.search(params.regex, name)]
    policy = push_policy(call.session, call.actor, project)
    branches = [repository.branches.local[name] for name in names]
    if params.sort.startswith("updated_"):
        branches.sort(key=lambda each: each.peel(pygit2.Commit).commit_time, reverse=params.sort == "updated_desc")
    return call.page_of(branches, lambda branch: branch_entity(call, project, policy, branch))


@routes.get("/projects/{id}/repository/branches/{branch}")
def get_branch(call: Call) -> dict[str, Any]:
    """One branch."""
    project, repository = code_of(call)
    policy = push_policy(call.session, call.actor, project)
    return branch_entity(call, project, policy, _branch(repository, call.path["branch"]))


@routes.head("/projects/{id}/repository/branches/{branch}")
def has_branch(call: Call) -> None:
    """Whether a branch exists."""
    _, repository = code_of(call)
    _branch(repository, call.path["branch"])


@routes.post("/projects/{id}/repository/branches")
def create_branch(call: Call, params: CreateBranch) -> dict[str, Any]:
    """Create a branch at a branch, tag or commit."""
    project = call.project(Level.DEVELOPER)
    repository = call.forge.storage.open(project.id)
    name = params.branch
    if not pygit2.reference_is_valid_name(BRANCHES + name):
        raise rejected(400, "Branch name is invalid")
    if name in repository.branches.local:
        raise rejected(400, "Branch already exists")
    start = resolve(repository, params.ref)
    if start is None:
        raise rejected(400, f"Invalid reference name: {params.ref}")
    policy = push_policy(call.session, call.actor, project)
    _change(call, project, policy, Change(ZERO, str(start.id), BRANCHES + name, web=True))
    return branch_entity(call, project, policy, repository.branches.local[name])


@routes.delete("/projects/{id}/repository/branches/{branch}")
def delete_branch(call: Call) -> None:
    """Remove a branch; protected ones only as a maintainer, the default branch never."""
    project = call.project(Level.DEVELOPER)
    repository = call.forge.storage.open(project.id)
    branch = _branch(repository, call.path["branch"])
    policy = push_policy(call.session, call.actor, project)
    _change(call, project, policy, Change(str(branch.target), ZERO, branch.name, web=True))


@routes.delete("/projects/{id}/repository/merged_branches", status=202)
def delete_merged_branches(call: Call) -> dict[str, str]:
    """Remove what is merged into the default branch and not protected."""
    project = call.project(Level.DEVELOPER)
    repository = call.forge.storage.open(project.id)
    policy = push_policy(call.session, call.actor, project)
    for name in sorted(repository.branches.local):
        branch = repository.branches.local[name]
        if not policy.matching("branch", name) and _merged(repository, project, branch):
            update_ref(call, project, Change(str(branch.target), ZERO, branch.name, web=True))
    return {"message": "202 Accepted"}


def _change(call: Call, project: Project, policy: PushPolicy, change: Change) -> None:
    """Create or remove a branch, unless a rule refuses it."""
    if project.archived:
        raise forbidden()
    reason = refusal(policy, change, lambda _: False)
    if reason:
        raise rejected(400, reason)
    update_ref(call, project, change)


def _branch(repository: pygit2.Repository, name: str) -> pygit2.Branch:
    if not pygit2.reference_is_valid_name(BRANCHES + name):
        raise rejected(400, "The branch refname is invalid")
    found = repository.branches.local.get(name)
    if found is None:
        raise not_found("Branch")
    return found


def _merged(repository: pygit2.Repository, project: Project, branch: pygit2.Branch) -> bool:
    default = repository.branches.local.get(project.default_branch)
    if default is None or branch.branch_name == project.default_branch:
        return False
    return default.target == branch.target or repository.descendant_of(default.target, branch.target)


def _found(search: str, name: str) -> bool:
    """GitLab's search: part of the name, or ``^`` and ``$`` for its ends."""
    lowered, wanted = name.lower(), search.lower().removeprefix("^").removesuffix("$")
    if search.startswith("^") and search.endswith("$"):
        return lowered == wanted
    if search.startswith("^"):
        return lowered.startswith(wanted)
    if search.endswith("$"):
        return lowered.endswith(wanted)
    return wanted in lowered
