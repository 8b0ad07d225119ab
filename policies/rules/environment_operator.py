"""Every environment is reconciled by the operator."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import environment_has_an_operator
from policies.levels import EVERYWHERE
from policies.sources import OPERATOR
from policies.stack_rule import StackRule, stack_itself

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-environment-operator",
    invariant=environment_has_an_operator,
    subjects=stack_itself,
    kinds=frozenset(["core/Namespace", "pulumi.com/Stack"]),
    severity=Severity.MEDIUM,
    levels=EVERYWHERE,
    sources=(OPERATOR,),
)
