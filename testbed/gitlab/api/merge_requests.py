"""Merge requests: opening, finding, removing."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select

from testbed.gitlab.api.issuables import check_title, find_merge_request, in_group, next_iid, with_label_details
from testbed.gitlab.api.merge_request_entities import (
    diverged_commits,
    merge_request_entity,
    merge_request_row,
    merge_request_simple,
)
from testbed.gitlab.api.merge_request_fields import (
    MergeRequestFields,
    apply_request_fields,
    branch_tip,
    check_branches,
)
from testbed.gitlab.api.merge_request_filter import MergeRequestFilter, filtered
from testbed.gitlab.core.access import can_see, member_of, reads_code, visible_projects
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, not_found, rejected
from testbed.gitlab.core.levels import Level, Visibility
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.announcing import announce
from testbed.gitlab.merging.branches import follow_source
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.pipelines.starting import start_for_merge_request
from testbed.gitlab.store import MergeRequest, Project

__all__ = ["routes"]

routes = Routes()


class CreateMergeRequest(MergeRequestFields):
    """POST projects/:id/merge_requests."""

    title: str
    source_branch: NotEmpty
    target_branch: NotEmpty
    target_project_id: int | None = None


class GetMergeRequest(Params):
    """GET projects/:id/merge_requests/:iid."""

    include_diverged_commits_count: bool = False
    include_rebase_in_progress: bool = False


class MyMergeRequestFilter(MergeRequestFilter):
    """GET merge_requests: one's own, unless asked for others."""

    scope: str | None = "created_by_me"


@routes.get("/merge_requests")
def list_all_merge_requests(call: Call, params: MyMergeRequestFilter) -> Page:
    """The merge requests of all projects that the actor can see."""
    return _list(call, params, visible_projects(call.session, call.actor))


@routes.get("/groups/{id}/merge_requests")
def list_group_merge_requests(call: Call, params: MergeRequestFilter) -> Page:
    """The merge requests of a group's projects, those of its subgroups as well."""
    return _list(call, params, in_group(call))


@routes.get("/projects/{id}/merge_requests")
def list_merge_requests(call: Call, params: MergeRequestFilter) -> Page:
    """The merge requests to a project."""
    project = call.project()
    if not reads_code(call.session, call.actor, project):
        raise forbidden()
    return _list(call, params, Project.id == project.id)


@routes.post("/projects/{id}/merge_requests")
def create_merge_request(call: Call, params: CreateMergeRequest) -> dict[str, Any]:
    """Ask for a branch to be merged, into the same project or into the one it was forked from."""
    source = call.project(Level.DEVELOPER)
    target = _target(call, source, params.target_project_id)
    if target.archived or setting(target, "merge_requests_access_level") == "disabled":
        raise forbidden()
    request = MergeRequest(
        project=target,
        project_id=target.id,
        source_project=source,
        source_project_id=source.id,
        author=call.user,
        title=check_title(params.title),
        source_branch=params.source_branch,
        target_branch=params.target_branch,
        state="opened",
        labels=[],
        assignee_ids=[],
        reviewer_ids=[],
        squash=setting(target, "squash_option") in ("always", "default_on"),
    )
    with call.session.no_autoflush:
        check_branches(call, request)
        request.iid = next_iid(call, MergeRequest, target)
        request.sha = request.base_sha = request.start_sha = str(branch_tip(call, source, params.source_branch))
        apply_request_fields(call, request, params)
    call.add(request)
    follow_source(call.forge, call.session, request)
    announce(call.forge, call.session, request, call.user, "open")
    start_for_merge_request(call.forge, call.session, request, call.user)
    return merge_request_entity(call, request)


@routes.get("/projects/{id}/merge_requests/{iid}")
def get_merge_request(call: Call, params: GetMergeRequest) -> dict[str, Any]:
    """One merge request."""
    request = find_merge_request(call)
    entity = merge_request_entity(call, request)
    if params.include_diverged_commits_count:
        entity["diverged_commits_count"] = diverged_commits(call, request)
    if params.include_rebase_in_progress:
        entity["rebase_in_progress"] = False
    return entity


@routes.delete("/projects/{id}/merge_requests/{iid}")
def delete_merge_request(call: Call) -> None:
    """Remove a merge request with everything said on it; for owners of the project."""
    request = find_merge_request(call)
    call.need(request.project, Level.OWNER)
    call.session.delete(request)
    references = call.forge.storage.open(request.project_id).references
    for name in (request.head_ref, request.merge_ref):
        if name in references:
            references.delete(name)


def _list(call: Call, params: MergeRequestFilter, projects: Any) -> Page:
    open_code = Project.visibility != Visibility.PRIVATE
    if not call.actor.admin:
        projects = projects & or_(open_code, member_of(call.session, call.actor, Level.REPORTER))
    statement = select(MergeRequest).where(MergeRequest.project_id.in_(select(Project.id).where(projects)))

    def render(row: MergeRequest) -> dict[str, Any]:
        if params.view == "simple":
            return merge_request_simple(call, row)
        entity = merge_request_row(call, row)
        return with_label_details(call, row, entity) if params.with_labels_details else entity

    return call.page(filtered(call, statement, params), MergeRequest.id, render)


def _target(call: Call, source: Project, number: int | None) -> Project:
    if number is None or number == source.id:
        return source
    target = call.session.get(Project, number)
    if target is None or not can_see(call.session, call.actor, target):
        raise not_found("Project")
    if not reads_code(call.session, call.actor, target):
        raise forbidden()
    if target.id not in _origins(source):
        raise rejected(422, ["Source project is not a fork of the target project"])
    return target


def _origins(source: Project) -> list[int]:
    """What the source was forked from, directly or not."""
    found: list[int] = []
    here = source.forked_from
    while here is not None and here.id not in found:
        found.append(here.id)
        here = here.forked_from
    return found
