"""Two updates of a stack do not overtake each other."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import stack_waits_for_its_turn
from policies.parts import at
from policies.rule import Rule
from policies.sources import OPERATOR

__all__ = ["RULE"]


RULE = Rule(
    name="operator-stack-waits",
    invariant=stack_waits_for_its_turn,
    kinds=frozenset(["pulumi.com/Stack"]),
    parts=at("spec"),
    severity=Severity.MEDIUM,
    sources=(OPERATOR,),
)
