"""Only maintainers merge into an environment's branch."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import branch_is_merged_by_maintainers
from policies.levels import Levels
from policies.rule import Rule
from policies.sources import GITLAB_BRANCHES, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-branchprotection-merge-limited",
    invariant=branch_is_merged_by_maintainers,
    kinds=frozenset(["gitlab/BranchProtection"]),
    read=lambda part, _: (part.value, frozenset(Levels._fields)),
    severity=Severity.HIGH,
    sources=(
        GITLAB_BRANCHES,
        OWASP.at("CICD-SEC-1"),
    ),
)
