"""A container's system calls are filtered."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import container_uses_seccomp
from policies.kinds import WORKLOADS
from policies.pod_parts import containers_in_pods
from policies.rule import Rule
from policies.sources import CIS, NSA, POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-container-seccomp",
    invariant=container_uses_seccomp,
    kinds=frozenset(WORKLOADS),
    parts=containers_in_pods,
    patches=False,
    severity=Severity.MEDIUM,
    sources=(
        POD_SECURITY.at("restricted"),
        CIS.at("5.7.2"),
        NSA,
    ),
)
