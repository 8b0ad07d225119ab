"""A container says what it needs and has a limit."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import container_has_limits
from policies.kinds import WORKLOADS
from policies.pod_parts import containers
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-container-limits",
    invariant=container_has_limits,
    kinds=frozenset(WORKLOADS),
    parts=containers,
    patches=False,
    severity=Severity.MEDIUM,
    sources=(
        NSA,
        CIS.at("5.7"),
    ),
)
