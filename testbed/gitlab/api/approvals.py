"""Approving merge requests, and what a project says about that."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, select

from testbed.gitlab.api.approval_rules import rule_entity
from testbed.gitlab.api.entities import user_basic
from testbed.gitlab.api.issuables import find_merge_request
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import conflict, not_found, unauthorized
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.params import Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.announcing import announce
from testbed.gitlab.merging.approving import RuleState, approvals, approved, may_approve, rule_states, settings_of
from testbed.gitlab.merging.auto import merge_if_ready
from testbed.gitlab.merging.checks import has_conflicts
from testbed.gitlab.merging.discussing import note_by_system
from testbed.gitlab.store import Approval, ApprovalSettings, MergeRequest, Project

__all__ = ["routes"]

routes = Routes(anonymous=False)

BASE = "/projects/{id}/merge_requests/{iid}"


class Approve(Params):
    """POST .../approve."""

    sha: str | None = None


class ChangeSettings(Params):
    """POST projects/:id/approvals."""

    approvals_before_merge: int | None = None
    reset_approvals_on_push: bool | None = None
    selective_code_owner_removals: bool | None = None
    disable_overriding_approvers_per_merge_request: bool | None = None
    merge_requests_author_approval: bool | None = None
    merge_requests_disable_committers_approval: bool | None = None
    require_password_to_approve: bool | None = None
    require_reauthentication_to_approve: bool | None = None


@routes.get("/projects/{id}/approvals")
def get_settings(call: Call) -> dict[str, Any]:
    """How approvals work in the project."""
    project = call.project(Level.DEVELOPER)
    return _settings_entity(project, settings_of(call.session, project.id))


@routes.post("/projects/{id}/approvals")
def change_settings(call: Call, params: ChangeSettings) -> dict[str, Any]:
    """Change how approvals work in the project."""
    project = call.project(Level.MAINTAINER)
    settings = settings_of(call.session, project.id)
    for name, value in params.given("approvals_before_merge").items():
        if value is not None:
            setattr(settings, name, value)
    if params.approvals_before_merge is not None:
        project.attributes = {**project.attributes, "approvals_before_merge": params.approvals_before_merge}
    call.add(settings)
    return _settings_entity(project, settings)


@routes.get(f"{BASE}/approvals")
def get_approvals(call: Call) -> dict[str, Any]:
    """Who approves, and what is missing."""
    return _approvals_entity(call, find_merge_request(call))


@routes.get(f"{BASE}/approval_state")
def get_approval_state(call: Call) -> dict[str, Any]:
    """The rules, and how far each is met."""
    request = find_merge_request(call)
    states = rule_states(call.session, request)
    overwritten = any(state.rule.merge_request_id is not None for state in states)
    rules = [_state_entity(call, request, state) for state in states]
    return {"approval_rules_overwritten": overwritten, "rules": rules}


@routes.post(f"{BASE}/approve")
def approve(call: Call, params: Approve) -> dict[str, Any]:
    """Approve, when the actor's approval counts."""
    request = find_merge_request(call)
    if params.sha and params.sha != request.sha:
        raise conflict(f"SHA does not match HEAD of source branch: {request.sha}")
    if request.state != "opened" or not may_approve(call.session, request, call.user):
        raise unauthorized()
    call.add(Approval(merge_request_id=request.id, user=call.user))
    note_by_system(call.session, request, call.user, "approved this merge request")
    complete = approved(call.session, request)
    announce(call.forge, call.session, request, call.user, "approved" if complete else "approval")
    merge_if_ready(call.forge, call.session, request)
    return _approvals_entity(call, request)


@routes.post(f"{BASE}/unapprove")
def unapprove(call: Call) -> dict[str, Any]:
    """Take the approval back."""
    request = find_merge_request(call)
    mine = select(Approval).where(Approval.merge_request_id == request.id, Approval.user_id == call.user.id)
    found = call.session.scalar(mine)
    if found is None:
        raise not_found()
    complete = approved(call.session, request)
    call.session.delete(found)
    call.session.flush()
    note_by_system(call.session, request, call.user, "unapproved this merge request")
    announce(call.forge, call.session, request, call.user, "unapproved" if complete else "unapproval")
    return _approvals_entity(call, request)


@routes.put(f"{BASE}/reset_approvals", status=202)
def reset_approvals(call: Call) -> None:
    """Take all approvals back; for the bots of projects and groups."""
    request = find_merge_request(call)
    call.need(request.project, Level.DEVELOPER)
    if not call.user.bot:
        raise unauthorized()
    call.session.execute(delete(Approval).where(Approval.merge_request_id == request.id))


def _settings_entity(project: Project, settings: ApprovalSettings) -> dict[str, Any]:
    return {
        "approvers": [],
        "approver_groups": [],
        "approvals_before_merge": project.attributes.get("approvals_before_merge", 0),
        "reset_approvals_on_push": settings.reset_approvals_on_push,
        "selective_code_owner_removals": settings.selective_code_owner_removals,
        "disable_overriding_approvers_per_merge_request": settings.disable_overriding_approvers_per_merge_request,
        "merge_requests_author_approval": settings.merge_requests_author_approval,
        "merge_requests_disable_committers_approval": settings.merge_requests_disable_committers_approval,
        "require_password_to_approve": settings.require_password_to_approve,
        "require_reauthentication_to_approve": settings.require_reauthentication_to_approve,
    }


def _approvals_entity(call: Call, request: MergeRequest) -> dict[str, Any]:
    given = approvals(call.session, request)
    states = rule_states(call.session, request)
    left = [state for state in states if state.left]
    return {
        "id": request.id,
        "iid": request.iid,
        "project_id": request.project_id,
        "title": request.title,
        "description": request.description,
        "state": request.state,
        "created_at": request.created_at,
        "updated_at": request.updated_at,
        "merge_status": "cannot_be_merged" if has_conflicts(call.forge, request) else "can_be_merged",
        "approved": not left,
        "approvals_required": max((state.rule.approvals_required for state in states), default=0),
        "approvals_left": max((state.left for state in left), default=0),
        "require_password_to_approve": settings_of(call.session, request.project_id).require_password_to_approve,
        "approved_by": [{"user": user_basic(each.user, call.forge), "approved_at": each.created_at} for each in given],
        "suggested_approvers": [],
        "approvers": [],
        "approver_groups": [],
        "user_has_approved": any(each.user_id == call.user.id for each in given),
        "user_can_approve": request.state == "opened" and may_approve(call.session, request, call.user),
        "approval_rules_left": [
            {"id": state.rule.id, "name": state.rule.name, "rule_type": state.rule.rule_type} for state in left
        ],
        "has_approval_rules": any(state.rule.rule_type != "any_approver" for state in states),
        "merge_request_approvers_available": True,
        "multiple_approval_rules_available": True,
        "invalid_approvers_rules": [],
    }


def _state_entity(call: Call, request: MergeRequest, state: RuleState) -> dict[str, Any]:
    return {
        **rule_entity(call, state.rule, request),
        "approved_by": [user_basic(user, call.forge) for user in state.approved_by],
        "approved": not state.left,
    }
