"""Every namespace denies what no network policy allows."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import namespace_denies_by_default
from policies.sources import CIS, NSA
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-namespace-default-deny",
    invariant=namespace_denies_by_default,
    subjects=of_kind("core/Namespace"),
    kinds=frozenset(["core/Namespace", "networking.k8s.io/NetworkPolicy"]),
    severity=Severity.HIGH,
    sources=(
        CIS.at("5.3.2"),
        NSA,
    ),
)
