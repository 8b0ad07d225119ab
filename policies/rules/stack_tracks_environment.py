"""A Stack object tracks the branch of its environment."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import stack_tracks_its_environment
from policies.parts import at
from policies.rule import Rule
from policies.sources import OPERATOR, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="operator-stack-tracks-environment",
    invariant=stack_tracks_its_environment,
    kinds=frozenset(["pulumi.com/Stack"]),
    parts=at("spec"),
    read=lambda part, here: (part.value, here.environment),
    severity=Severity.CRITICAL,
    sources=(
        OPERATOR,
        OWASP.at("CICD-SEC-1"),
    ),
)
