"""An object says which team answers for it."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import object_has_an_owner
from policies.kinds import EVERY_OBJECT
from policies.parts import at
from policies.rule import Rule
from policies.sources import KUBERNETES_LABELS

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-object-owned",
    invariant=object_has_an_owner,
    kinds=frozenset([EVERY_OBJECT]),
    parts=at("metadata", "labels"),
    patches=False,
    severity=Severity.LOW,
    sources=(KUBERNETES_LABELS,),
)
