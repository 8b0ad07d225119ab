"""Tags."""

from __future__ import annotations

import time
from typing import Any

import pygit2
from pygit2.enums import ObjectType
from sqlalchemy import select

from testbed.gitlab.api.entities import web_url
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, not_found, rejected
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.repositories.commits import commit_entity, moment
from testbed.gitlab.repositories.policy import push_policy
from testbed.gitlab.repositories.pushes import record
from testbed.gitlab.repositories.reading import code_of, resolve
from testbed.gitlab.repositories.rules import TAGS, ZERO, Change, refusal
from testbed.gitlab.repositories.writing import update_ref
from testbed.gitlab.store import Project, Release

__all__ = ["make_tag", "routes"]

routes = Routes()


class CreateTag(Params):
    """POST projects/:id/repository/tags."""

    tag_name: NotEmpty
    ref: NotEmpty
    message: str | None = None


class ListTags(Params):
    """GET projects/:id/repository/tags."""

    search: str | None = None
    order_by: str = "updated"
    sort: str = "desc"


@routes.get("/projects/{id}/repository/tags")
def list_tags(call: Call, params: ListTags) -> Page:
    """The tags, newest first."""
    project, repository = code_of(call)
    names = [name for name in repository.references if name.startswith(TAGS)]
    if params.search:
        names = [name for name in names if params.search.strip("^$").lower() in name.removeprefix(TAGS).lower()]
    refs = [repository.references[name] for name in sorted(names)]
    if params.order_by == "updated":
        refs.sort(key=lambda each: each.peel(pygit2.Commit).commit_time)
    if params.sort == "desc":
        refs.reverse()
    return call.page_of(refs, lambda each: _entity(call, project, each))


@routes.get("/projects/{id}/repository/tags/{tag_name}")
def get_tag(call: Call) -> dict[str, Any]:
    """One tag."""
    project, repository = code_of(call)
    return _entity(call, project, _tag(repository, call.path["tag_name"]))


@routes.post("/projects/{id}/repository/tags")
def create_tag(call: Call, params: CreateTag) -> dict[str, Any]:
    """Create a tag; with a message it is an annotated one."""
    project = call.project(Level.DEVELOPER)
    return _entity(call, project, make_tag(call, project, params.tag_name, params.ref, params.message))


@routes.delete("/projects/{id}/repository/tags/{tag_name}")
def delete_tag(call: Call) -> None:
    """Remove a tag; protected ones only as a maintainer."""
    project = call.project(Level.DEVELOPER)
    repository = call.forge.storage.open(project.id)
    tag = _tag(repository, call.path["tag_name"])
    policy = push_policy(call.session, call.actor, project)
    if policy.matching("tag", call.path["tag_name"]) and not policy.maintainer:
        raise forbidden()
    update_ref(call, project, Change(str(tag.target), ZERO, tag.name, web=True))


def make_tag(call: Call, project: Project, name: str, ref: str, message: str | None) -> pygit2.Reference:
    """Create a tag; with a message it is an annotated one.

    Raises:
        ApiError: when name or target do not fit, or the actor may not.
    """
    repository = call.forge.storage.open(project.id)
    if not pygit2.reference_is_valid_name(TAGS + name):
        raise rejected(400, "Tag name invalid")
    if TAGS + name in repository.references:
        raise rejected(400, f"Tag {name} already exists")
    target = resolve(repository, ref)
    if target is None:
        raise rejected(400, f"Target {ref} is invalid")
    _check(call, project, Change(ZERO, str(target.id), TAGS + name, web=True))
    if message:
        tagger = pygit2.Signature(call.user.name, call.user.email, int(time.time()), 0)
        created = repository.create_tag(name, target.id, ObjectType.COMMIT, tagger, message)
        record(call.forge, call.session, project, call.user, [Change(ZERO, str(created), TAGS + name)])
    else:
        update_ref(call, project, Change(ZERO, str(target.id), TAGS + name))
    return repository.references[TAGS + name]


def _check(call: Call, project: Project, change: Change) -> None:
    policy = push_policy(call.session, call.actor, project)
    reason = refusal(policy, change, lambda _: False)
    if project.archived or reason:
        raise rejected(400, reason or "You are not allowed to create this tag as it is protected.")


def _tag(repository: pygit2.Repository, name: str) -> pygit2.Reference:
    found = repository.references.get(TAGS + name) if pygit2.reference_is_valid_name(TAGS + name) else None
    if found is None:
        raise not_found("Tag")
    return found


def _entity(call: Call, project: Project, ref: pygit2.Reference) -> dict[str, Any]:
    repository = call.forge.storage.open(project.id)
    target = repository[ref.target]
    name = ref.name.removeprefix(TAGS)
    policy = push_policy(call.session, call.actor, project)
    tagger = target.tagger if isinstance(target, pygit2.Tag) else None
    release = call.session.scalar(select(Release).where(Release.project_id == project.id, Release.tag == name))
    return {
        "name": name,
        "message": target.message.rstrip("\n") if isinstance(target, pygit2.Tag) else "",
        "target": str(target.id),
        "commit": commit_entity(ref.peel(pygit2.Commit), web_url(project, call.forge)),
        "release": {"tag_name": name, "description": release.description} if release else None,
        "protected": bool(policy.matching("tag", name)),
        "created_at": moment(tagger) if tagger is not None else None,
    }
