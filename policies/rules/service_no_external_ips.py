"""A service claims no addresses."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import service_claims_no_addresses
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-service-no-external-ips",
    invariant=service_claims_no_addresses,
    kinds=frozenset(["core/Service"]),
    severity=Severity.HIGH,
    sources=(
        NSA,
        CIS.at("5.3"),
    ),
)
