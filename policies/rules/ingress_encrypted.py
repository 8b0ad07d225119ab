"""An ingress is encrypted."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import ingress_is_encrypted
from policies.levels import IN_PRODUCTION
from policies.rule import Rule
from policies.sources import NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-ingress-encrypted",
    invariant=ingress_is_encrypted,
    kinds=frozenset(["networking.k8s.io/Ingress"]),
    severity=Severity.HIGH,
    levels=IN_PRODUCTION,
    sources=(NSA,),
)
