"""A container gains no privileges."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import container_gains_no_privileges
from policies.kinds import WORKLOADS
from policies.pod_parts import containers
from policies.rule import Rule
from policies.sources import CIS, NSA, POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-container-no-escalation",
    invariant=container_gains_no_privileges,
    kinds=frozenset(WORKLOADS),
    parts=containers,
    patches=False,
    severity=Severity.HIGH,
    sources=(
        POD_SECURITY.at("restricted"),
        CIS.at("5.2.6"),
        NSA,
    ),
)
