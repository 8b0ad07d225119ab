"""A pod that does not speak to Kubernetes has no token for it."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import pod_mounts_no_token
from policies.kinds import WORKLOADS
from policies.pod_parts import pods
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-pod-no-token",
    invariant=pod_mounts_no_token,
    kinds=frozenset(WORKLOADS),
    parts=pods,
    patches=False,
    severity=Severity.MEDIUM,
    sources=(
        CIS.at("5.1.6"),
        NSA,
    ),
)
