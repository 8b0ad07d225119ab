"""Every namespace enforces a Pod Security Standard."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import namespace_enforces_pod_security
from policies.parts import at
from policies.rule import Rule
from policies.sources import CIS, NSA, POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-namespace-pod-security",
    invariant=namespace_enforces_pod_security,
    kinds=frozenset(["core/Namespace"]),
    parts=at("metadata", "labels"),
    severity=Severity.HIGH,
    sources=(
        POD_SECURITY,
        CIS.at("5.2.1"),
        NSA,
    ),
)
