"""Commits, comparisons and what refs contain them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pygit2
from pydantic import Field
from pygit2.enums import SortMode
from sqlalchemy import select

from testbed.gitlab.api.entities import web_url
from testbed.gitlab.api.pipeline_summary import pipeline_summary
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import not_found
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import Instant, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.repositories.commits import Action, commit_entity
from testbed.gitlab.repositories.reading import code_of, diff_entities, resolve
from testbed.gitlab.repositories.rules import BRANCHES, TAGS
from testbed.gitlab.repositories.writing import NewCommit, commit
from testbed.gitlab.store import Pipeline, Project

__all__ = ["commit_detail", "routes"]

routes = Routes()


class CreateCommit(Params):
    """POST projects/:id/repository/commits."""

    branch: NotEmpty
    commit_message: NotEmpty
    actions: list[Action]
    start_branch: str | None = None
    start_sha: str | None = None
    force: bool = False
    stats: bool = True
    author_name: str | None = None
    author_email: str | None = None


class ListCommits(Params):
    """GET projects/:id/repository/commits."""

    ref_name: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    path: str | None = None
    author: str | None = None
    all: bool = False
    first_parent: bool = False
    with_stats: bool = False


class Compare(Params):
    """GET projects/:id/repository/compare."""

    source: str = Field(alias="from")
    target: str = Field(alias="to")
    straight: bool = False


class Refs(Params):
    """GET projects/:id/repository/commits/:sha/refs."""

    type: str = "all"


class MergeBase(Params):
    """GET projects/:id/repository/merge_base."""

    refs: list[str]


def commit_detail(call: Call, project: Project, found: pygit2.Commit) -> dict[str, Any]:
    """A commit with its statistics and its newest pipeline."""
    stats = _diff(call.forge.storage.open(project.id), found).stats
    counts = {"additions": stats.insertions, "deletions": stats.deletions}
    of_commit = select(Pipeline).where(Pipeline.project_id == project.id, Pipeline.sha == str(found.id))
    last = call.session.scalar(of_commit.order_by(Pipeline.id.desc()).limit(1))
    return {
        **commit_entity(found, web_url(project, call.forge)),
        "stats": {**counts, "total": stats.insertions + stats.deletions},
        "status": last.status if last is not None else None,
        "project_id": project.id,
        "last_pipeline": pipeline_summary(last, call.forge) if last is not None else None,
    }


@routes.get("/projects/{id}/repository/commits", scopes=("read_repository",))
def list_commits(call: Call, params: ListCommits) -> Page:
    """The history of a ref, newest first."""
    project, repository = code_of(call)
    starts = [resolve(repository, params.ref_name or project.default_branch)]
    if params.all:
        starts = [resolve(repository, name) for name in repository.branches.local]
    found = [start for start in starts if start is not None]
    if params.ref_name and not found:
        raise not_found("Commit")
    commits = [each for each in _walk(repository, found, params.first_parent) if _selected(each, params)]
    page = web_url(project, call.forge)
    return call.page_of(commits, lambda each: commit_entity(each, page))


@routes.post("/projects/{id}/repository/commits")
def create_commit(call: Call, params: CreateCommit) -> dict[str, Any]:
    """Commit changes to several files at once."""
    project = call.project()
    new = NewCommit(
        branch=params.branch,
        message=params.commit_message,
        actions=params.actions,
        start=params.start_sha or params.start_branch,
        force=params.force,
        author_name=params.author_name,
        author_email=params.author_email,
    )
    return commit_detail(call, project, commit(call, project, new))


@routes.get("/projects/{id}/repository/commits/{sha}", scopes=("read_repository",))
def get_commit(call: Call) -> dict[str, Any]:
    """One commit."""
    project, repository = code_of(call)
    return commit_detail(call, project, _commit(call, repository))


@routes.get("/projects/{id}/repository/commits/{sha}/diff")
def get_diff(call: Call) -> Page:
    """What a commit changed."""
    _, repository = code_of(call)
    return call.page_of(diff_entities(_diff(repository, _commit(call, repository))), lambda each: each)


@routes.get("/projects/{id}/repository/commits/{sha}/refs")
def list_refs(call: Call, params: Refs) -> Page:
    """The branches and tags that contain a commit."""
    _, repository = code_of(call)
    wanted = _commit(call, repository).id
    found = []
    for name in repository.references:
        target = repository.references[name].peel(pygit2.Commit).id
        if target != wanted and not repository.descendant_of(target, wanted):
            continue
        for kind, prefix in (("branch", BRANCHES), ("tag", TAGS)):
            if name.startswith(prefix) and params.type in ("all", kind):
                found.append({"type": kind, "name": name.removeprefix(prefix)})
    return call.page_of(found, lambda each: each)


@routes.get("/projects/{id}/repository/compare")
def compare(call: Call, params: Compare) -> dict[str, Any]:
    """What `to` has and `from` has not; from their merge base unless asked to go straight."""
    project, repository = code_of(call)
    source, target = resolve(repository, params.source), resolve(repository, params.target)
    if source is None or target is None:
        raise not_found("Ref")
    walker = repository.walk(target.id, SortMode.TOPOLOGICAL)
    walker.hide(source.id)
    page = web_url(project, call.forge)
    commits = [commit_entity(each, page) for each in walker]
    base = source.id if params.straight else repository.merge_base(source.id, target.id)
    diff = repository.diff(base, target.id) if base is not None else target.tree.diff_to_tree(swap=True)
    return {
        "commit": commits[0] if commits else None,
        "commits": commits[::-1],
        "diffs": diff_entities(diff),
        "compare_timeout": False,
        "compare_same_ref": params.source == params.target,
        "web_url": f"{page}/-/compare/{params.source}{'..' if params.straight else '...'}{params.target}",
    }


@routes.get("/projects/{id}/repository/merge_base")
def get_merge_base(call: Call, params: MergeBase) -> dict[str, Any]:
    """The newest commit that several refs have in common."""
    project, repository = code_of(call)
    commits = [resolve(repository, ref) for ref in params.refs]
    known: list[str | pygit2.Oid] = [each.id for each in commits if each is not None]
    base = repository.merge_base_many(known) if len(known) == len(commits) and len(known) > 1 else None
    if base is None:
        raise not_found("Merge Base")
    return commit_entity(repository[base].peel(pygit2.Commit), web_url(project, call.forge))


def _commit(call: Call, repository: pygit2.Repository) -> pygit2.Commit:
    found = resolve(repository, call.path["sha"])
    if found is None:
        raise not_found("Commit")
    return found


def _diff(repository: pygit2.Repository, found: pygit2.Commit) -> pygit2.Diff:
    if found.parents:
        return repository.diff(found.parents[0], found)
    return found.tree.diff_to_tree(swap=True)


def _walk(repository: pygit2.Repository, starts: list[pygit2.Commit], first_parent: bool) -> Iterator[pygit2.Commit]:
    if not starts:
        return iter(())
    walker = repository.walk(None, SortMode.TOPOLOGICAL | SortMode.TIME)
    for start in starts:
        walker.push(start.id)
    if first_parent:
        walker.simplify_first_parent()
    return walker


def _selected(each: pygit2.Commit, params: ListCommits) -> bool:
    if params.since and each.commit_time < params.since.timestamp():
        return False
    if params.until and each.commit_time > params.until.timestamp():
        return False
    if params.author and params.author.lower() not in f"{each.author.name} <{each.author.email}>".lower():
        return False
    return params.path is None or _touches(each, params.path.strip("/"))


def _touches(each: pygit2.Commit, path: str) -> bool:
    def at(commit: pygit2.Commit) -> object:
        return commit.tree[path].id if path in commit.tree else None

    here = at(each)
    before = [at(parent) for parent in each.parents] or [None]
    return all(here != other for other in before)
