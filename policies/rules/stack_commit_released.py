"""A commit is set by the release job alone."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import stack_commit_is_released
from policies.parts import at
from policies.rule import Rule
from policies.sources import OPERATOR, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="operator-stack-commit-released",
    invariant=stack_commit_is_released,
    kinds=frozenset(["pulumi.com/Stack"]),
    parts=at("spec"),
    severity=Severity.CRITICAL,
    sources=(
        OPERATOR,
        OWASP.at("CICD-SEC-1"),
    ),
)
