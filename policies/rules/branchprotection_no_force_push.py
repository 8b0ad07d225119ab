"""A protected branch keeps its history."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants import Violation, branch_refuses_force_push
from policies.rule import Properties, resource_rule

__all__ = ["RULE"]


def _find(name: str, props: Properties) -> list[Violation]:
    return branch_refuses_force_push(f"BranchProtection {name}", bool(props.get("allowForcePush")))


RULE = resource_rule(
    name="gitlab-branchprotection-no-force-push",
    description="A protected branch refuses force pushes, so that git revert can bring back what was there.",
    resource_types=["gitlab:index/branchProtection:BranchProtection"],
    find=_find,
    remediation="Set allowForcePush to false and undo changes with git revert.",
    severity=Severity.CRITICAL,
)
