"""The rules about who must approve: those of projects, and those of single merge requests."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from sqlalchemy import Select, select

from testbed.gitlab.api.entities import namespace_entity, user_basic
from testbed.gitlab.api.issuables import find_merge_request, need_to_change
from testbed.gitlab.core.access import effective_members
from testbed.gitlab.core.call import Call
from testbed.gitlab.core.errors import forbidden, invalid, not_found
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.pagination import Page
from testbed.gitlab.core.params import CommaSeparated, NotEmpty, Params
from testbed.gitlab.core.routing import Routes
from testbed.gitlab.merging.approving import approvers_of, settings_of
from testbed.gitlab.store import ApprovalRule, MergeRequest, Namespace, ProtectedRef, User

__all__ = ["routes", "rule_entity"]

routes = Routes(anonymous=False)

OF_PROJECT = "/projects/{id}/approval_rules"
OF_REQUEST = "/projects/{id}/merge_requests/{iid}/approval_rules"

Numbers = list[int] | None
MOST_REQUIRED = 100


class RuleFields(Params):
    """What both creation and change take."""

    usernames: CommaSeparated | None = None
    user_ids: Numbers = None
    group_ids: Numbers = None
    protected_branch_ids: Numbers = None
    applies_to_all_protected_branches: bool | None = None
    report_type: str | None = None


class CreateRule(RuleFields):
    """POST .../approval_rules."""

    name: NotEmpty
    approvals_required: int = Field(ge=0)
    rule_type: Literal["regular", "any_approver", "report_approver"] = "regular"
    approval_project_rule_id: int | None = None


class UpdateRule(RuleFields):
    """PUT .../approval_rules/:rule_id."""

    name: str | None = None
    approvals_required: int | None = Field(None, ge=0)


def rule_entity(call: Call, rule: ApprovalRule, request: MergeRequest | None = None) -> dict[str, Any]:
    """A rule, of a project or as it counts for a merge request."""
    session, forge = call.session, call.forge
    users = session.scalars(select(User).where(User.id.in_(rule.user_ids)).order_by(User.id)).all()
    groups = session.scalars(select(Namespace).where(Namespace.id.in_(rule.group_ids)).order_by(Namespace.id)).all()
    branches = session.scalars(select(ProtectedRef).where(ProtectedRef.id.in_(rule.protected_branch_ids))).all()
    entity: dict[str, Any] = {
        "id": rule.id,
        "name": rule.name,
        "rule_type": rule.rule_type,
        "report_type": rule.report_type,
        "eligible_approvers": [user_basic(user, forge) for user in approvers_of(session, rule) or []],
        "approvals_required": rule.approvals_required,
        "users": [user_basic(user, forge) for user in users],
        "groups": [namespace_entity(group, forge) for group in groups],
        "contains_hidden_groups": False,
    }
    if request is not None:
        source = rule.source_rule_id if rule.merge_request_id is not None else rule.id
        return {**entity, "source_rule": {"id": source} if source else None, "overridden": bool(rule.source_rule_id)}
    return {
        **entity,
        "protected_branches": [{"id": each.id, "name": each.name} for each in branches],
        "applies_to_all_protected_branches": rule.applies_to_all_protected_branches,
    }


@routes.get(OF_PROJECT)
def list_project_rules(call: Call) -> Page:
    """The project's rules."""
    call.project(Level.DEVELOPER)
    return call.page(_rules(call).order_by(ApprovalRule.id), ApprovalRule.id, lambda row: rule_entity(call, row))


@routes.get(f"{OF_PROJECT}/{{rule_id}}")
def get_project_rule(call: Call) -> dict[str, Any]:
    """One of the project's rules."""
    call.project(Level.DEVELOPER)
    return rule_entity(call, _find(call))


@routes.post(OF_PROJECT)
def create_project_rule(call: Call, params: CreateRule) -> dict[str, Any]:
    """Add a rule to the project."""
    project = call.project(Level.MAINTAINER)
    return rule_entity(call, _create(call, params, ApprovalRule(project_id=project.id)))


@routes.put(f"{OF_PROJECT}/{{rule_id}}")
def update_project_rule(call: Call, params: UpdateRule) -> dict[str, Any]:
    """Change one of the project's rules."""
    call.project(Level.MAINTAINER)
    rule = _find(call)
    _apply(call, rule, params)
    return rule_entity(call, rule)


@routes.delete(f"{OF_PROJECT}/{{rule_id}}")
def delete_project_rule(call: Call) -> None:
    """Remove one of the project's rules."""
    call.project(Level.MAINTAINER)
    call.session.delete(_find(call))


@routes.get(OF_REQUEST)
def list_request_rules(call: Call) -> Page:
    """The rules that a merge request has of its own."""
    request = find_merge_request(call)
    statement = _rules(call, request).order_by(ApprovalRule.id)
    return call.page(statement, ApprovalRule.id, lambda row: rule_entity(call, row, request))


@routes.get(f"{OF_REQUEST}/{{rule_id}}")
def get_request_rule(call: Call) -> dict[str, Any]:
    """One of a merge request's own rules."""
    request = find_merge_request(call)
    return rule_entity(call, _find(call, request), request)


@routes.post(OF_REQUEST)
def create_request_rule(call: Call, params: CreateRule) -> dict[str, Any]:
    """Give a merge request a rule of its own, also in place of one of the project's."""
    request = _changeable(call)
    rule = ApprovalRule(project_id=request.project_id, merge_request_id=request.id)
    if params.approval_project_rule_id is not None:
        source = call.session.scalar(_rules(call).where(ApprovalRule.id == params.approval_project_rule_id))
        if source is None:
            raise not_found()
        rule.source_rule_id = source.id
        rule.user_ids, rule.group_ids = list(source.user_ids), list(source.group_ids)
    return rule_entity(call, _create(call, params, rule), request)


@routes.put(f"{OF_REQUEST}/{{rule_id}}")
def update_request_rule(call: Call, params: UpdateRule) -> dict[str, Any]:
    """Change one of a merge request's own rules."""
    request = _changeable(call)
    rule = _find(call, request)
    _apply(call, rule, params)
    return rule_entity(call, rule, request)


@routes.delete(f"{OF_REQUEST}/{{rule_id}}")
def delete_request_rule(call: Call) -> None:
    """Remove one of a merge request's own rules."""
    call.session.delete(_find(call, _changeable(call)))


def _changeable(call: Call) -> MergeRequest:
    """The merge request, when its rules may be changed at all, and by the actor."""
    request = find_merge_request(call)
    need_to_change(call, request, Level.DEVELOPER)
    if settings_of(call.session, request.project_id).disable_overriding_approvers_per_merge_request:
        raise forbidden()
    return request


def _rules(call: Call, request: MergeRequest | None = None) -> Select[ApprovalRule]:
    owner = None if request is None else request.id
    return select(ApprovalRule).where(
        ApprovalRule.project_id == call.project().id, ApprovalRule.merge_request_id == owner
    )


def _find(call: Call, request: MergeRequest | None = None) -> ApprovalRule:
    number = call.number("rule_id", "Approval rule")
    found = call.session.scalar(_rules(call, request).where(ApprovalRule.id == number))
    if found is None:
        raise not_found()
    return found


def _create(call: Call, params: CreateRule, rule: ApprovalRule) -> ApprovalRule:
    rule.name, rule.approvals_required, rule.rule_type = params.name, params.approvals_required, params.rule_type
    if params.rule_type == "any_approver":
        taken = select(ApprovalRule.id).where(
            ApprovalRule.project_id == rule.project_id,
            ApprovalRule.merge_request_id == rule.merge_request_id,
            ApprovalRule.rule_type == "any_approver",
        )
        if call.session.scalar(taken) is not None:
            raise invalid(rule_type="any-approver for the project already exists")
    for name in ("user_ids", "group_ids", "protected_branch_ids"):
        setattr(rule, name, getattr(rule, name) or [])
    _apply(call, rule, params)
    return call.add(rule)


def _apply(call: Call, rule: ApprovalRule, params: CreateRule | UpdateRule) -> None:
    if params.name is not None:
        _check_name(call, rule, params.name)
        rule.name = params.name
    if params.approvals_required is not None:
        if params.approvals_required > MOST_REQUIRED:
            raise invalid(approvals_required=f"must be less than or equal to {MOST_REQUIRED}")
        rule.approvals_required = params.approvals_required
    if params.user_ids is not None or params.usernames is not None:
        rule.user_ids = _members(call, params)
    if params.group_ids is not None:
        found = select(Namespace.id).where(Namespace.id.in_(params.group_ids)).order_by(Namespace.id)
        rule.group_ids = list(call.session.scalars(found))
    if params.protected_branch_ids is not None:
        rule.protected_branch_ids = _branches(call, rule, params.protected_branch_ids)
    if params.applies_to_all_protected_branches is not None:
        rule.applies_to_all_protected_branches = params.applies_to_all_protected_branches
    if params.report_type is not None:
        rule.report_type = params.report_type


def _check_name(call: Call, rule: ApprovalRule, name: str) -> None:
    taken = select(ApprovalRule.id).where(
        ApprovalRule.project_id == rule.project_id,
        ApprovalRule.merge_request_id == rule.merge_request_id,
        ApprovalRule.name == name,
        ApprovalRule.id.is_not(rule.id),
    )
    with call.session.no_autoflush:
        if call.session.scalar(taken) is not None:
            raise invalid(name="has already been taken")


def _members(call: Call, params: RuleFields) -> list[int]:
    """Those named who are members of the project; GitLab leaves out others without a word."""
    named = User.id.in_(params.user_ids or []) | User.username.in_(params.usernames or [])
    wanted = set(call.session.scalars(select(User.id).where(named)))
    return sorted(wanted & {row.user_id for row in effective_members(call.session, call.project())})


def _branches(call: Call, rule: ApprovalRule, numbers: list[int]) -> list[int]:
    known = select(ProtectedRef.id).where(
        ProtectedRef.project_id == rule.project_id, ProtectedRef.kind == "branch", ProtectedRef.id.in_(numbers)
    )
    found = sorted(call.session.scalars(known))
    if found != sorted(set(numbers)):
        raise not_found()
    return found
