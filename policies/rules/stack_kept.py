"""Deleting the Stack object deletes no stack."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import stack_keeps_what_it_made
from policies.parts import at
from policies.rule import Rule
from policies.sources import OPERATOR

__all__ = ["RULE"]


RULE = Rule(
    name="operator-stack-kept",
    invariant=stack_keeps_what_it_made,
    kinds=frozenset(["pulumi.com/Stack"]),
    parts=at("spec"),
    severity=Severity.CRITICAL,
    sources=(OPERATOR,),
)
