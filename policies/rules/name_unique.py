"""No two resources are the same object."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import name_is_unique
from policies.kinds import EVERY_OBJECT
from policies.sources import OWASP
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-name-unique",
    invariant=name_is_unique,
    subjects=of_kind(),
    kinds=frozenset([EVERY_OBJECT]),
    severity=Severity.HIGH,
    sources=(OWASP.at("CICD-SEC-1"),),
)
