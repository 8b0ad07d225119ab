"""A network policy admits senders by name."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import network_rule_admits_known_senders
from policies.parts import network_rules
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-networkpolicy-ingress-limited",
    invariant=network_rule_admits_known_senders,
    kinds=frozenset(["networking.k8s.io/NetworkPolicy"]),
    parts=network_rules("ingress"),
    severity=Severity.HIGH,
    sources=(
        CIS.at("5.3.2"),
        NSA,
    ),
)
