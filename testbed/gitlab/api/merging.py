"""Merging merge requests, now or later, and rebasing them."""

from __future__ import annotations

from typing import Any

from testbed.gitlab.api.issuables import find_merge_request
from testbed.gitlab.api.merge_request_entities import merge_request_entity
from testbed.gitlab.core.access import level_of
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import conflict, forbidden, rejected, unauthorized
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.branches import keep_merge_ref, source_tip
from testbed.gitlab.merging.checks import BRANCH_BLOCKS, PASSING_BLOCKS, blocks, may_merge, pipeline_active
from testbed.gitlab.merging.merge import MergeError, merge
from testbed.gitlab.merging.rebase import rebase
from testbed.gitlab.merging.waiting import call_off, wait_for_pipeline
from testbed.gitlab.pipelines.starting import head_pipeline
from testbed.gitlab.repositories.policy import push_policy
from testbed.gitlab.store import MergeRequest

__all__ = ["routes"]

routes = Routes()

BASE = "/projects/{id}/merge_requests/{iid}"


class Merge(Params):
    """PUT .../merge."""

    merge_commit_message: str | None = None
    squash_commit_message: str | None = None
    should_remove_source_branch: bool | None = None
    merge_when_pipeline_succeeds: bool = False
    auto_merge: bool = False
    sha: str | None = None
    squash: bool | None = None


@routes.put(f"{BASE}/merge")
def merge_merge_request(call: Call, params: Merge) -> dict[str, Any]:
    """Merge now, or once the pipeline succeeds."""
    request = find_merge_request(call)
    if not may_merge(call.session, call.actor, request):
        raise unauthorized()
    later = params.auto_merge or params.merge_when_pipeline_succeeds
    later = _decide(call, request, later=later)
    if params.sha and params.sha != request.sha:
        raise conflict(f"SHA does not match HEAD of source branch: {request.sha}")
    if params.squash is not None:
        request.squash = params.squash
    wishes = {
        "commit_message": params.merge_commit_message,
        "squash_commit_message": params.squash_commit_message,
        "should_remove_source_branch": params.should_remove_source_branch,
    }
    request.merge_params = {name: value for name, value in wishes.items() if value is not None}
    if later:
        wait_for_pipeline(call.session, request, call.user)
    else:
        try:
            merge(call.forge, call.session, request, call.user)
        except MergeError:
            raise rejected(422, "Branch cannot be merged") from None
    call.session.flush()
    return merge_request_entity(call, request)


@routes.post(f"{BASE}/cancel_merge_when_pipeline_succeeds")
def cancel_auto_merge(call: Call) -> dict[str, str]:
    """Do not merge by itself any more; for who asked for it, and for who may merge."""
    request = find_merge_request(call)
    if request.merge_user_id != call.user.id and not may_merge(call.session, call.actor, request):
        raise unauthorized()
    if request.state != "opened" or not request.auto_merge:
        raise rejected(406, "Can't cancel the automatic merge")
    call_off(call.session, request, call.user)
    return {"status": "success"}


@routes.put(f"{BASE}/rebase", status=202)
def rebase_merge_request(call: Call) -> dict[str, bool]:
    """Put the commits on top of the target branch. It is done when the answer comes; GitLab does it later."""
    request = find_merge_request(call)
    _check_push(call, request)
    rebase(call.forge, call.session, request, call.user)
    call.session.flush()
    return {"rebase_in_progress": False}


@routes.get(f"{BASE}/merge_ref")
def get_merge_ref(call: Call) -> dict[str, str]:
    """The commit that a merge would give."""
    request = find_merge_request(call)
    made = keep_merge_ref(call.forge, request) if request.state == "opened" else None
    if made is None:
        raise rejected(400, "Merge request is not mergeable")
    return {"commit_id": made}


def _decide(call: Call, request: MergeRequest, *, later: bool) -> bool:
    """Whether the merge is for later; refuse one that is neither for now nor for later."""
    found = set(blocks(call.forge, call.session, request))
    if not later:
        if found - BRANCH_BLOCKS:
            raise rejected(405, "405 Method Not Allowed")
    elif pipeline_active(call.session, request):
        if found - BRANCH_BLOCKS - PASSING_BLOCKS:
            raise rejected(405, "405 Method Not Allowed")
    else:
        pipeline = head_pipeline(call.session, request)
        if pipeline is None or pipeline.status != "success" or found - BRANCH_BLOCKS:
            raise rejected(405, "405 Method Not Allowed")
        later = False
    if found & BRANCH_BLOCKS:
        raise rejected(422, "Branch cannot be merged")
    return later


def _check_push(call: Call, request: MergeRequest) -> None:
    project = request.source_project
    if project is None or source_tip(call.forge, request) is None:
        raise forbidden("Source branch does not exist")
    rules = push_policy(call.session, call.actor, project).matching("branch", request.source_branch)
    developer = level_of(call.session, call.actor, project) >= Level.DEVELOPER
    shared = request.allow_collaboration and may_merge(call.session, call.actor, request)
    if not (developer or shared) or (rules and not any(rule.push for rule in rules)):
        raise forbidden("Cannot push to source branch")
    if rules and not any(rule.force for rule in rules):
        raise forbidden("Source branch is protected from force push")
