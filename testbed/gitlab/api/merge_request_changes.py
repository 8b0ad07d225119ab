"""What merge requests bring: commits, differences, versions, pipelines, people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pygit2
from sqlalchemy import select
from starlette.responses import PlainTextResponse

from testbed.gitlab.api.entities import user_basic, web_url
from testbed.gitlab.api.issuables import find_issuable, find_merge_request, on_both, sees_internal
from testbed.gitlab.api.merge_request_entities import merge_request_entity, merge_request_row
from testbed.gitlab.api.pipeline_summary import pipeline_summary
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import missing, not_found, rejected
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.branches import commits_of
from testbed.gitlab.merging.people import users_in_order
from testbed.gitlab.pipelines.starting import place_of, start_for_merge_request
from testbed.gitlab.repositories.commits import commit_entity
from testbed.gitlab.repositories.reading import code_of, diff_entities, resolve
from testbed.gitlab.store import MergeRequest, MergeRequestVersion, Note, Pipeline

__all__ = ["routes"]

routes = Routes()

BASE = "/projects/{id}/merge_requests/{iid}"


@routes.get(f"{BASE}/commits")
def list_commits(call: Call) -> Page:
    """The commits that would come, newest first."""
    request = find_merge_request(call)
    return call.page_of(list(_commits(call, request, request)), lambda each: _commit(call, request, each))


@routes.get(f"{BASE}/changes")
def get_changes(call: Call) -> dict[str, Any]:
    """The merge request with its whole difference."""
    request = find_merge_request(call)
    changes = diff_entities(_diff(call, request, request))
    return {**merge_request_entity(call, request), "changes": changes, "overflow": False}


@routes.get(f"{BASE}/diffs")
def list_diffs(call: Call) -> Page:
    """The difference, file by file."""
    request = find_merge_request(call)
    return call.page_of(diff_entities(_diff(call, request, request)), lambda each: each)


@routes.get(f"{BASE}/raw_diffs")
def get_raw_diffs(call: Call) -> PlainTextResponse:
    """The difference as Git writes it."""
    request = find_merge_request(call)
    return PlainTextResponse(_diff(call, request, request).patch or "")


@routes.get(f"{BASE}/versions")
def list_versions(call: Call) -> Page:
    """The versions after each push, newest first."""
    request = find_merge_request(call)
    statement = select(MergeRequestVersion).where(MergeRequestVersion.merge_request_id == request.id)
    newest_first = statement.order_by(MergeRequestVersion.id.desc())
    return call.page(newest_first, MergeRequestVersion.id, lambda row: _version(call, request, row))


@routes.get(f"{BASE}/versions/{{version_id}}")
def get_version(call: Call) -> dict[str, Any]:
    """One version with its commits and differences."""
    request = find_merge_request(call)
    number = call.number("version_id", "Version")
    found = call.session.scalar(
        select(MergeRequestVersion).where(
            MergeRequestVersion.merge_request_id == request.id, MergeRequestVersion.id == number
        )
    )
    if found is None:
        raise missing()
    return {
        **_version(call, request, found),
        "commits": [_commit(call, request, each) for each in _commits(call, request, found)],
        "diffs": diff_entities(_diff(call, request, found)),
    }


@on_both(routes.get, "/participants")
def list_participants(call: Call) -> Page:
    """Whoever opened it, works on it or said something."""
    item = find_issuable(call)
    said = select(Note.author_id).where(Note.on(item))
    if not sees_internal(call, item):
        said = said.where(Note.internal.is_(False))
    numbers = [item.author_id, *item.assignee_ids, *call.session.scalars(said.order_by(Note.id))]
    return call.page_of(users_in_order(call.session, numbers), lambda user: user_basic(user, call.forge))


@routes.get(f"{BASE}/reviewers")
def list_reviewers(call: Call) -> Page:
    """Who was asked to review."""
    request = find_merge_request(call)
    return call.page_of(
        users_in_order(call.session, request.reviewer_ids),
        lambda user: {
            "user": user_basic(user, call.forge),
            "state": "unreviewed",
            "created_at": request.created_at,
        },
    )


@routes.get(f"{BASE}/closes_issues")
def list_closed_issues(call: Call) -> Page:
    """Merging closes no issues here."""
    find_merge_request(call)
    nothing: list[dict[str, Any]] = []
    return call.page_of(nothing, lambda each: each)


@routes.get("/projects/{id}/repository/commits/{sha}/merge_requests")
def list_of_commit(call: Call) -> Page:
    """The merge requests that a commit came with, or would come with."""
    project, repository = code_of(call)
    commit = resolve(repository, call.path["sha"])
    if commit is None:
        raise not_found("Commit")
    name = str(commit.id)
    rows = call.session.scalars(
        select(MergeRequest).where(MergeRequest.project_id == project.id).order_by(MergeRequest.id.desc())
    )
    found = [
        row
        for row in rows
        if name in (row.merge_commit_sha, row.squash_commit_sha, *(str(each.id) for each in _commits(call, row, row)))
    ]
    return call.page_of(found, lambda row: merge_request_row(call, row))


@routes.get(f"{BASE}/pipelines")
def list_pipelines(call: Call) -> Page:
    """The pipelines for its commits, newest first."""
    request = find_merge_request(call)
    heads = select(MergeRequestVersion.head_sha).where(MergeRequestVersion.merge_request_id == request.id)
    of_branch = (
        (Pipeline.project_id == request.source_project_id)
        & (Pipeline.ref == request.source_branch)
        & Pipeline.sha.in_(heads)
    )
    statement = select(Pipeline).where((Pipeline.merge_request_id == request.id) | of_branch)
    return call.page(statement.order_by(Pipeline.id.desc()), Pipeline.id, lambda row: pipeline_summary(row, call.forge))


@routes.post(f"{BASE}/pipelines", status=200)
def create_pipeline(call: Call) -> dict[str, Any]:
    """Start a pipeline for the head: in the parent project by whoever may there, else in the fork."""
    request = find_merge_request(call)
    if place_of(call.session, request, call.user) is None:
        raise rejected(400, {"base": ["Insufficient permissions to create a new pipeline"]})
    started = start_for_merge_request(call.forge, call.session, request, call.user)
    if started is None:
        raise rejected(405, "405 Method Not Allowed")
    call.session.flush()
    return pipeline_summary(started, call.forge)


Span = MergeRequest | MergeRequestVersion


def _ends(span: Span) -> tuple[str, str]:
    head = span.sha if isinstance(span, MergeRequest) else span.head_sha
    return span.base_sha, head


def _commits(call: Call, request: MergeRequest, span: Span) -> Sequence[pygit2.Commit]:
    return commits_of(call.forge.storage.open(request.project_id), *_ends(span))


def _diff(call: Call, request: MergeRequest, span: Span) -> pygit2.Diff:
    base, head = _ends(span)
    return call.forge.storage.open(request.project_id).diff(base, head)


def _commit(call: Call, request: MergeRequest, commit: pygit2.Commit) -> dict[str, Any]:
    return commit_entity(commit, web_url(request.source_project or request.project, call.forge))


def _version(call: Call, request: MergeRequest, version: MergeRequestVersion) -> dict[str, Any]:
    return {
        "id": version.id,
        "head_commit_sha": version.head_sha,
        "base_commit_sha": version.base_sha,
        "start_commit_sha": version.start_sha,
        "created_at": version.created_at,
        "merge_request_id": version.merge_request_id,
        "state": "collected",
        "real_size": str(len(_diff(call, request, version))),
    }
