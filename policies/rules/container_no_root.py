"""A container does not run as root."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import container_is_not_root
from policies.kinds import WORKLOADS
from policies.pod_parts import containers_in_pods
from policies.rule import Rule
from policies.sources import CIS, NSA, POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-container-no-root",
    invariant=container_is_not_root,
    kinds=frozenset(WORKLOADS),
    parts=containers_in_pods,
    patches=False,
    severity=Severity.HIGH,
    sources=(
        POD_SECURITY.at("restricted"),
        CIS.at("5.2.7"),
        NSA,
    ),
)
