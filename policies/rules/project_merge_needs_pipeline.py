"""A merge waits for a successful pipeline."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import pipelines_gate_merges
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-project-merge-needs-pipeline",
    invariant=pipelines_gate_merges,
    kinds=frozenset(["gitlab/Project"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_HARDENING,
        OWASP.at("CICD-SEC-1"),
    ),
)
