"""Whether enough of the right people approve of a merge request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import effective_members
from testbed.gitlab.core.levels import Level
from testbed.gitlab.repositories.rules import Rule
from testbed.gitlab.store import (
    Approval,
    ApprovalRule,
    ApprovalSettings,
    Member,
    MergeRequest,
    ProtectedRef,
    User,
)

__all__ = ["RuleState", "approvals", "approved", "approvers_of", "may_approve", "reset", "rule_states", "settings_of"]


@dataclass(frozen=True)
class RuleState:
    """A rule, as far as it is met."""

    rule: ApprovalRule
    approved_by: Sequence[User]

    @property
    def left(self) -> int:
        """How many approvals are missing."""
        return max(0, self.rule.approvals_required - len(self.approved_by))


def settings_of(session: Session, project_id: int) -> ApprovalSettings:
    """How approvals work in a project."""
    found = session.scalar(select(ApprovalSettings).where(ApprovalSettings.project_id == project_id))
    if found is not None:
        return found
    defaults = {column.name: column.default.arg for column in ApprovalSettings.__table__.columns if column.default}
    return ApprovalSettings(project_id=project_id, **defaults)


def approvals(session: Session, request: MergeRequest) -> Sequence[Approval]:
    """The approvals given, oldest first."""
    return session.scalars(select(Approval).where(Approval.merge_request_id == request.id).order_by(Approval.id)).all()


def rule_states(session: Session, request: MergeRequest) -> list[RuleState]:
    """The rules that count for a merge request: its own, and the project's that none of its own replaces."""
    rows = session.scalars(
        select(ApprovalRule)
        .where(
            ApprovalRule.project_id == request.project_id,
            ApprovalRule.merge_request_id.is_(None) | (ApprovalRule.merge_request_id == request.id),
        )
        .order_by(ApprovalRule.id)
    ).all()
    if not rows:
        return []
    replaced = {row.source_rule_id for row in rows if row.merge_request_id is not None}
    given = [approval.user for approval in approvals(session, request)]
    return [_state(session, row, given) for row in rows if row.id not in replaced and _covers(session, row, request)]


def approved(session: Session, request: MergeRequest) -> bool:
    """Whether no approval is missing."""
    return not any(state.left for state in rule_states(session, request))


def may_approve(session: Session, request: MergeRequest, user: User) -> bool:
    """Whether a user's approval would count and is not given yet."""
    settings = settings_of(session, request.project_id)
    if user.id == request.author_id and not settings.merge_requests_author_approval:
        return False
    if any(approval.user_id == user.id for approval in approvals(session, request)):
        return False
    members = effective_members(session, request.project)
    return user.admin or any(row.user_id == user.id and row.access_level >= Level.DEVELOPER for row in members)


def reset(session: Session, request: MergeRequest) -> None:
    """Take the approvals back, where the project wants that after a push."""
    if settings_of(session, request.project_id).reset_approvals_on_push:
        session.execute(delete(Approval).where(Approval.merge_request_id == request.id))


def approvers_of(session: Session, rule: ApprovalRule) -> Sequence[User] | None:
    """Whose approvals a rule counts; nothing stands for everybody who may approve at all."""
    if rule.rule_type == "any_approver":
        return None
    members = select(Member.user_id).where(Member.namespace_id.in_(rule.group_ids))
    wanted = {*rule.user_ids, *session.scalars(members)}
    return session.scalars(select(User).where(User.id.in_(wanted)).order_by(User.id)).all()


def _state(session: Session, rule: ApprovalRule, given: Sequence[User]) -> RuleState:
    approvers = approvers_of(session, rule)
    counted = given if approvers is None else [user for user in given if user in approvers]
    return RuleState(rule, counted)


def _covers(session: Session, rule: ApprovalRule, request: MergeRequest) -> bool:
    """Whether a rule counts for the target branch."""
    if not rule.applies_to_all_protected_branches and not rule.protected_branch_ids:
        return True
    protections = session.scalars(
        select(ProtectedRef).where(ProtectedRef.project_id == request.project_id, ProtectedRef.kind == "branch")
    )
    return any(
        Rule(kind="branch", pattern=each.name, push=False).matches(request.target_branch)
        for each in protections
        if rule.applies_to_all_protected_branches or each.id in rule.protected_branch_ids
    )
