"""Only maintainers push to a protected branch."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import branch_is_pushed_by_maintainers
from policies.rule import Rule
from policies.sources import GITLAB_BRANCHES, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-branchprotection-push-limited",
    invariant=branch_is_pushed_by_maintainers,
    kinds=frozenset(["gitlab/BranchProtection"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_BRANCHES,
        OWASP.at("CICD-SEC-1"),
    ),
)
