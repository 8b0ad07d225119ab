"""A Stack object refers to its secrets."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import stack_holds_no_secret
from policies.delivery_parts import stack_settings
from policies.rule import Rule
from policies.sources import OPERATOR, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="operator-stack-no-secret",
    invariant=stack_holds_no_secret,
    kinds=frozenset(["pulumi.com/Stack"]),
    parts=stack_settings,
    severity=Severity.CRITICAL,
    sources=(
        OPERATOR,
        OWASP.at("CICD-SEC-6"),
    ),
)
