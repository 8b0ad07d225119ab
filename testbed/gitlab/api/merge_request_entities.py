"""How merge requests look in answers."""

from __future__ import annotations

from typing import Any

from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.api.issuables import issuable_entity
from testbed.gitlab.api.pipeline_summary import pipeline_summary
from testbed.gitlab.core.call import Call
from testbed.gitlab.merging.branches import commit_at, commits_of, target_tip
from testbed.gitlab.merging.checks import detailed_status, has_conflicts, may_merge
from testbed.gitlab.merging.discussing import unresolved
from testbed.gitlab.merging.merge import squashes
from testbed.gitlab.merging.people import users_in_order
from testbed.gitlab.pipelines.starting import head_pipeline
from testbed.gitlab.store import MergeRequest

__all__ = ["diff_refs", "diverged_commits", "merge_request_entity", "merge_request_row", "merge_request_simple"]


def merge_request_simple(call: Call, request: MergeRequest) -> dict[str, Any]:
    """A merge request in a list with ``view=simple``."""
    names = ("id", "iid", "project_id", "title", "description", "state", "created_at", "updated_at", "web_url")
    shown = issuable_entity(call, request)
    return {name: shown[name] for name in names}


def merge_request_row(call: Call, request: MergeRequest) -> dict[str, Any]:
    """A merge request in a list."""
    forge, session = call.forge, call.session
    conflicts = has_conflicts(forge, request)
    merge_user = user_basic(request.merge_user, forge)
    shown = issuable_entity(call, request)
    return {
        **shown,
        "merged_by": merge_user if request.state == "merged" else None,
        "merge_user": merge_user,
        "merged_at": request.merged_at,
        "target_branch": request.target_branch,
        "source_branch": request.source_branch,
        "reviewers": [user_basic(user, forge) for user in users_in_order(session, request.reviewer_ids)],
        "source_project_id": request.source_project_id,
        "target_project_id": request.project_id,
        "draft": request.draft,
        "work_in_progress": request.draft,
        "merge_when_pipeline_succeeds": request.auto_merge,
        "merge_status": "cannot_be_merged" if conflicts else "can_be_merged",
        "detailed_merge_status": detailed_status(forge, session, request),
        "merge_after": None,
        "sha": request.sha,
        "merge_commit_sha": request.merge_commit_sha,
        "squash_commit_sha": request.squash_commit_sha,
        "should_remove_source_branch": request.merge_params.get("should_remove_source_branch"),
        "force_remove_source_branch": request.remove_source_branch,
        "prepared_at": request.created_at,
        **(
            {
                "allow_collaboration": request.allow_collaboration,
                "allow_maintainer_to_push": request.allow_collaboration,
            }
            if request.from_fork
            else {}
        ),
        "reference": shown["references"]["short"],
        "squash": request.squash,
        "squash_on_merge": squashes(request),
        "has_conflicts": conflicts,
        "blocking_discussions_resolved": not unresolved(session, request),
        "approvals_before_merge": None,
    }


def merge_request_entity(call: Call, request: MergeRequest) -> dict[str, Any]:
    """One merge request."""
    pipeline = head_pipeline(call.session, request)
    summary = None if pipeline is None else pipeline_summary(pipeline, call.forge)
    repository = call.forge.storage.open(request.project_id)
    base, head = commit_at(repository, request.base_sha), commit_at(repository, request.sha)
    diff = repository.diff(base, head)
    return {
        **merge_request_row(call, request),
        "subscribed": call.actor.user is not None and call.actor.user.id == request.author_id,
        "changes_count": str(len(diff)),
        "latest_build_started_at": None if pipeline is None else pipeline.started_at,
        "latest_build_finished_at": None if pipeline is None else pipeline.finished_at,
        "first_deployed_to_production_at": None,
        "pipeline": summary,
        "head_pipeline": summary,
        "diff_refs": diff_refs(request),
        "merge_error": request.merge_error,
        "first_contribution": False,
        "user": {"can_merge": may_merge(call.session, call.actor, request)},
    }


def diverged_commits(call: Call, request: MergeRequest) -> int:
    """How many commits the target branch has and the source branch has not."""
    target = target_tip(call.forge, request)
    repository = call.forge.storage.open(request.project_id)
    return 0 if target is None else len(commits_of(repository, request.sha, str(target.id)))


def diff_refs(request: MergeRequest) -> dict[str, str]:
    """The commits that the difference is between."""
    return {"base_sha": request.base_sha, "head_sha": request.sha, "start_sha": request.start_sha}
