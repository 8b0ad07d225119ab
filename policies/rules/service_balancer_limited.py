"""A load balancer admits known networks."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import balancer_admits_known_networks
from policies.rule import Rule
from policies.sources import NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-service-balancer-limited",
    invariant=balancer_admits_known_networks,
    kinds=frozenset(["core/Service"]),
    severity=Severity.HIGH,
    sources=(NSA,),
)
