"""A pod mounts no directory of its node."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import pod_volume_is_no_host_path
from policies.kinds import WORKLOADS
from policies.pod_parts import pods_each
from policies.rule import Rule
from policies.sources import CIS, NSA, POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-pod-no-host-path",
    invariant=pod_volume_is_no_host_path,
    kinds=frozenset(WORKLOADS),
    parts=pods_each("volumes"),
    severity=Severity.CRITICAL,
    sources=(
        POD_SECURITY.at("baseline"),
        CIS.at("5.2.12"),
        NSA,
    ),
)
