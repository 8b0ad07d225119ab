"""A default branch is protected."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import default_branch_is_protected
from policies.sources import GITLAB_BRANCHES, SLSA
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-project-default-branch-protected",
    invariant=default_branch_is_protected,
    subjects=of_kind("gitlab/Project"),
    kinds=frozenset(["gitlab/Project", "gitlab/BranchProtection"]),
    severity=Severity.CRITICAL,
    sources=(
        GITLAB_BRANCHES,
        SLSA,
    ),
)
