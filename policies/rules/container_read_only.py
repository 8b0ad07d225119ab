"""A container's own files are read-only."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import container_root_is_read_only
from policies.kinds import WORKLOADS
from policies.levels import IN_PRODUCTION
from policies.pod_parts import containers
from policies.rule import Rule
from policies.sources import NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-container-read-only",
    invariant=container_root_is_read_only,
    kinds=frozenset(WORKLOADS),
    parts=containers,
    patches=False,
    severity=Severity.MEDIUM,
    levels=IN_PRODUCTION,
    sources=(NSA,),
)
