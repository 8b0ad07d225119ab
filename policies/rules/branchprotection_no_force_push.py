"""A protected branch keeps its history."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import branch_refuses_force_push
from policies.rule import Rule
from policies.sources import GITLAB_BRANCHES, SLSA

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-branchprotection-no-force-push",
    invariant=branch_refuses_force_push,
    kinds=frozenset(["gitlab/BranchProtection"]),
    read=lambda part, _: (bool(part.value.get("allowForcePush")),),
    severity=Severity.CRITICAL,
    sources=(
        GITLAB_BRANCHES,
        SLSA,
    ),
)
