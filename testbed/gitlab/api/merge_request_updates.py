"""Changing merge requests, closing them and opening them again."""

from __future__ import annotations

from typing import Any, Literal

from testbed.gitlab.api.issuables import check_title, find_merge_request, need_to_change
from testbed.gitlab.api.merge_request_entities import merge_request_entity
from testbed.gitlab.api.merge_request_fields import MergeRequestFields, apply_request_fields, check_branches
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.clock import now
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.params import at_least_one
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.announcing import announce, labels_named
from testbed.gitlab.merging.auto import merge_if_ready
from testbed.gitlab.merging.branches import follow_source, keep_merge_ref, source_tip
from testbed.gitlab.merging.discussing import note_by_system
from testbed.gitlab.pipelines.starting import start_for_merge_request
from testbed.gitlab.store import MergeRequest
from testbed.gitlab.webhooks.issuable_payloads import label_payload

__all__ = ["routes"]

routes = Routes()

TOLD = ("title", "description", "target_branch", "draft", "squash", "assignee_ids", "reviewer_ids", "milestone_id")
"""Attributes whose changes the hooks are told, beside the labels."""


class UpdateMergeRequest(MergeRequestFields):
    """PUT projects/:id/merge_requests/:iid."""

    title: str | None = None
    target_branch: str | None = None
    state_event: Literal["close", "reopen"] | None = None


@routes.put("/projects/{id}/merge_requests/{iid}")
def update_merge_request(call: Call, params: UpdateMergeRequest) -> dict[str, Any]:
    """Change a merge request, close it or open it again."""
    request = find_merge_request(call)
    at_least_one(params, *UpdateMergeRequest.model_fields)
    need_to_change(call, request, Level.DEVELOPER)
    before = _told(call, request)
    if params.title is not None:
        _rename(call, request, params.title)
    apply_request_fields(call, request, params)
    if params.target_branch and params.target_branch != request.target_branch and request.state == "opened":
        _retarget(call, request, params.target_branch)
    request.updated_at = now()
    if params.state_event == "close":
        _close(call, request)
    elif params.state_event == "reopen":
        _reopen(call, request)
    else:
        after = _told(call, request)
        changes = {
            name: {"previous": before[name], "current": after[name]} for name in before if before[name] != after[name]
        }
        announce(call.forge, call.session, request, call.user, "update", changes)
        merge_if_ready(call.forge, call.session, request)
    return merge_request_entity(call, request)


def _told(call: Call, request: MergeRequest) -> dict[str, Any]:
    call.session.flush()
    labels = labels_named(call.session, request.project, request.labels)
    return {
        **{name: getattr(request, name) for name in TOLD},
        "labels": [label_payload(label) for label in labels],
    }


def _rename(call: Call, request: MergeRequest, title: str) -> None:
    old, was_draft = request.title, request.draft
    request.title = check_title(title)
    if request.title == old:
        return
    if request.draft != was_draft:
        text = f"marked this merge request as **{'draft' if request.draft else 'ready'}**"
    else:
        text = f"changed title from **{old}** to **{request.title}**"
    note_by_system(call.session, request, call.user, text)


def _retarget(call: Call, request: MergeRequest, branch: str) -> None:
    old, request.target_branch = request.target_branch, branch
    with call.session.no_autoflush:
        check_branches(call, request)
    follow_source(call.forge, call.session, request)
    note_by_system(call.session, request, call.user, f"changed target branch from `{old}` to `{branch}`")


def _close(call: Call, request: MergeRequest) -> None:
    if request.state != "opened":
        return
    request.state, request.closed_at, request.closed_by = "closed", now(), call.user
    request.auto_merge, request.merge_params = False, {}
    note_by_system(call.session, request, call.user, "closed")
    changes = {"state_id": {"previous": 1, "current": 2}}
    announce(call.forge, call.session, request, call.user, "close", changes)


def _reopen(call: Call, request: MergeRequest) -> None:
    if request.state != "closed":
        return
    with call.session.no_autoflush:
        check_branches(call, request)
    request.state, request.closed_at, request.closed_by = "opened", None, None
    head = source_tip(call.forge, request)
    if head is not None and str(head.id) != request.sha:
        follow_source(call.forge, call.session, request)
    else:
        keep_merge_ref(call.forge, request)
    note_by_system(call.session, request, call.user, "reopened")
    changes = {"state_id": {"previous": 2, "current": 1}}
    announce(call.forge, call.session, request, call.user, "reopen", changes)
    start_for_merge_request(call.forge, call.session, request, call.user)
