"""A service opens no port on the nodes."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import service_opens_no_node_port
from policies.rule import Rule
from policies.sources import NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-service-no-node-port",
    invariant=service_opens_no_node_port,
    kinds=frozenset(["core/Service"]),
    severity=Severity.MEDIUM,
    sources=(NSA,),
)
