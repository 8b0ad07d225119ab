"""A container sees a masked /proc."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import container_masks_proc
from policies.kinds import WORKLOADS
from policies.pod_parts import containers
from policies.rule import Rule
from policies.sources import POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-container-proc-masked",
    invariant=container_masks_proc,
    kinds=frozenset(WORKLOADS),
    parts=containers,
    severity=Severity.HIGH,
    sources=(POD_SECURITY.at("baseline"),),
)
