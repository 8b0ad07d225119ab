"""A pod shares no namespace of its node."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import pod_shares_no_namespace_of_its_node
from policies.kinds import WORKLOADS
from policies.pod_parts import each_field
from policies.rule import Rule
from policies.sources import CIS, NSA, POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-pod-no-host-namespace",
    invariant=pod_shares_no_namespace_of_its_node,
    kinds=frozenset(WORKLOADS),
    parts=each_field("hostNetwork", "hostPID", "hostIPC"),
    severity=Severity.CRITICAL,
    sources=(
        POD_SECURITY.at("baseline"),
        CIS.at("5.2.3"),
        NSA,
    ),
)
