"""Every namespace gives containers limits that ask for none."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import namespace_has_limits
from policies.sources import CIS, NSA
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-namespace-limits",
    invariant=namespace_has_limits,
    subjects=of_kind("core/Namespace"),
    kinds=frozenset(["core/Namespace", "core/LimitRange"]),
    severity=Severity.MEDIUM,
    sources=(
        NSA,
        CIS.at("5.7.1"),
    ),
)
