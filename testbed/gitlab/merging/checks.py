"""Whether a merge request may be merged, and if not, why."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session

from testbed.gitlab.core.access import level_of
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.levels import Level
from testbed.gitlab.forge import Forge
from testbed.gitlab.merging.approving import approved
from testbed.gitlab.merging.branches import commit_at, in_conflict, source_tip, target_tip
from testbed.gitlab.merging.discussing import unresolved
from testbed.gitlab.pipelines.configured import setting
from testbed.gitlab.pipelines.starting import head_pipeline
from testbed.gitlab.pipelines.statuses import COMPLETED
from testbed.gitlab.repositories.policy import push_policy
from testbed.gitlab.store import MergeRequest

__all__ = [
    "BRANCH_BLOCKS",
    "MERGEABLE",
    "PASSING_BLOCKS",
    "blocks",
    "detailed_status",
    "has_conflicts",
    "may_merge",
    "pipeline_active",
]

MERGEABLE = "mergeable"

BRANCH_BLOCKS = frozenset({"conflict", "need_rebase"})
"""What the branches themselves are in the way of. The API answers these with another code than the others."""

PASSING_BLOCKS = frozenset(
    {"ci_still_running", "ci_must_pass", "not_approved", "discussions_not_resolved", "draft_status"}
)
"""What may pass without a push; an automatic merge waits for it."""


def blocks(forge: Forge, session: Session, request: MergeRequest) -> list[str]:
    """Everything that is in the way of a merge, in the order in which GitLab names it."""
    return [name for name, check in _CHECKS if check(forge, session, request)]


def detailed_status(forge: Forge, session: Session, request: MergeRequest) -> str:
    """`MERGEABLE`, or what is in the way first."""
    return next((name for name, check in _CHECKS if check(forge, session, request)), MERGEABLE)


def has_conflicts(forge: Forge, request: MergeRequest) -> bool:
    """Whether an open merge request cannot be merged as the branches are: conflicts, or a branch is gone."""
    if request.state != "opened":
        return False
    target = target_tip(forge, request)
    if target is None or source_tip(forge, request) is None:
        return True
    return in_conflict(forge.storage.path(request.project_id), str(target.id), request.sha)


def may_merge(session: Session, actor: Actor, request: MergeRequest) -> bool:
    """Whether somebody may change the target branch, by a merge at least."""
    if level_of(session, actor, request.project) < Level.DEVELOPER or request.project.archived:
        return False
    rules = push_policy(session, actor, request.project).matching("branch", request.target_branch)
    return not rules or any(rule.push or rule.merge for rule in rules)


def pipeline_active(session: Session, request: MergeRequest) -> bool:
    """Whether a pipeline for the head is on its way."""
    pipeline = head_pipeline(session, request)
    return pipeline is not None and pipeline.status not in (*COMPLETED, "manual")


def _not_open(_forge: Forge, _session: Session, request: MergeRequest) -> bool:
    return request.state != "opened"


def _not_approved(_forge: Forge, session: Session, request: MergeRequest) -> bool:
    return not approved(session, request)


def _draft(_forge: Forge, _session: Session, request: MergeRequest) -> bool:
    return request.draft


def _without_commits(forge: Forge, _session: Session, request: MergeRequest) -> bool:
    """Whether a branch is missing, or the target branch has everything already."""
    target = target_tip(forge, request)
    if target is None or source_tip(forge, request) is None:
        return True
    repository = forge.storage.open(request.project_id)
    head = commit_at(repository, request.sha).id
    return target.id == head or repository.descendant_of(target.id, head)


def _unresolved(_forge: Forge, session: Session, request: MergeRequest) -> bool:
    wanted = setting(request.project, "only_allow_merge_if_all_discussions_are_resolved")
    return bool(wanted) and unresolved(session, request)


def _conflict(forge: Forge, _session: Session, request: MergeRequest) -> bool:
    return has_conflicts(forge, request)


def _behind(forge: Forge, _session: Session, request: MergeRequest) -> bool:
    """Whether the target branch went on, where the project wants a straight history."""
    target = target_tip(forge, request)
    if setting(request.project, "merge_method") == "merge" or target is None:
        return False
    head = commit_at(forge.storage.open(request.project_id), request.sha).id
    return target.id != head and not forge.storage.open(request.project_id).descendant_of(head, target.id)


def _ci_running(_forge: Forge, session: Session, request: MergeRequest) -> bool:
    wanted = setting(request.project, "only_allow_merge_if_pipeline_succeeds")
    return bool(wanted) and pipeline_active(session, request)


def _ci_failed(_forge: Forge, session: Session, request: MergeRequest) -> bool:
    if not setting(request.project, "only_allow_merge_if_pipeline_succeeds"):
        return False
    pipeline = head_pipeline(session, request)
    if pipeline is None:
        return True
    if pipeline.status == "skipped":
        return not setting(request.project, "allow_merge_on_skipped_pipeline")
    return pipeline.status != "success"


_CHECKS: tuple[tuple[str, Callable[[Forge, Session, MergeRequest], bool]], ...] = (
    ("not_open", _not_open),
    ("not_approved", _not_approved),
    ("draft_status", _draft),
    ("commits_status", _without_commits),
    ("discussions_not_resolved", _unresolved),
    ("conflict", _conflict),
    ("need_rebase", _behind),
    ("ci_still_running", _ci_running),
    ("ci_must_pass", _ci_failed),
)
