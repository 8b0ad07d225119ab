"""Every namespace has a quota."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import namespace_has_a_quota
from policies.sources import CIS, NSA
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-namespace-quota",
    invariant=namespace_has_a_quota,
    subjects=of_kind("core/Namespace"),
    kinds=frozenset(["core/Namespace", "core/ResourceQuota"]),
    severity=Severity.MEDIUM,
    sources=(
        NSA,
        CIS.at("5.7.1"),
    ),
)
