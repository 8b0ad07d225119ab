"""An approval rule asks for an approval."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import merge_needs_an_approval
from policies.rule import Rule
from policies.sources import OWASP, SLSA

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-approvalrule-asks-approval",
    invariant=merge_needs_an_approval,
    kinds=frozenset(["gitlab/ProjectApprovalRule"]),
    severity=Severity.HIGH,
    sources=(
        SLSA,
        OWASP.at("CICD-SEC-1"),
    ),
)
