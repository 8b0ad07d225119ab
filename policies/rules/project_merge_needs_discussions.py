"""A merge waits until all discussions are resolved."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import discussions_gate_merges
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-project-merge-needs-discussions",
    invariant=discussions_gate_merges,
    kinds=frozenset(["gitlab/Project"]),
    severity=Severity.MEDIUM,
    sources=(
        GITLAB_HARDENING,
        OWASP.at("CICD-SEC-1"),
    ),
)
