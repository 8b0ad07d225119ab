"""An object lives in a namespace of the platform."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import object_has_a_namespace
from policies.kinds import NAMESPACED
from policies.parts import at
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-object-in-namespace",
    invariant=object_has_a_namespace,
    kinds=frozenset(NAMESPACED),
    parts=at("metadata"),
    severity=Severity.HIGH,
    sources=(
        CIS.at("5.7.4"),
        NSA,
    ),
)
