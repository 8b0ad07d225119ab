"""The address of a Stack's source carries no password or token."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import stack_source_has_no_credentials
from policies.parts import at
from policies.rule import Rule
from policies.sources import OPERATOR, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="operator-stack-source-no-credentials",
    invariant=stack_source_has_no_credentials,
    kinds=frozenset(["pulumi.com/Stack"]),
    parts=at("spec"),
    severity=Severity.CRITICAL,
    sources=(
        OPERATOR,
        OWASP.at("CICD-SEC-6"),
    ),
)
