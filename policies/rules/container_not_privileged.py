"""A container is not privileged."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import container_is_not_privileged
from policies.kinds import WORKLOADS
from policies.pod_parts import containers
from policies.rule import Rule
from policies.sources import CIS, NSA, POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-container-not-privileged",
    invariant=container_is_not_privileged,
    kinds=frozenset(WORKLOADS),
    parts=containers,
    severity=Severity.CRITICAL,
    sources=(
        POD_SECURITY.at("baseline"),
        CIS.at("5.2.2"),
        NSA,
    ),
)
