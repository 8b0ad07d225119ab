"""Nobody approves their own change."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import approvals_exclude_authors
from policies.rule import Rule
from policies.sources import OWASP, SLSA

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-approvals-by-others",
    invariant=approvals_exclude_authors,
    kinds=frozenset(["gitlab/ProjectLevelMrApprovals"]),
    severity=Severity.HIGH,
    sources=(
        SLSA,
        OWASP.at("CICD-SEC-1"),
    ),
)
