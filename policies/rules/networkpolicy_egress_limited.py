"""A network policy lets pods reach what they need."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import network_rule_reaches_known_networks
from policies.parts import each
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-networkpolicy-egress-limited",
    invariant=network_rule_reaches_known_networks,
    kinds=frozenset(["networking.k8s.io/NetworkPolicy"]),
    parts=each("spec", "egress"),
    severity=Severity.MEDIUM,
    sources=(
        CIS.at("5.3.2"),
        NSA,
    ),
)
