"""A branch that the platform makes is protected."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import branch_is_protected
from policies.sources import GITLAB_BRANCHES, SLSA
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-branch-protected",
    invariant=branch_is_protected,
    subjects=of_kind("gitlab/Branch"),
    kinds=frozenset(["gitlab/Branch", "gitlab/BranchProtection", "gitlab/Project"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_BRANCHES,
        SLSA,
    ),
)
