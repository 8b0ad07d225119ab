"""A pod sets kernel parameters of its own alone."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import pod_sets_safe_sysctls
from policies.kinds import WORKLOADS
from policies.pod_parts import pods_each
from policies.rule import Rule
from policies.sources import POD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-pod-safe-sysctls",
    invariant=pod_sets_safe_sysctls,
    kinds=frozenset(WORKLOADS),
    parts=pods_each("securityContext", "sysctls"),
    severity=Severity.HIGH,
    sources=(POD_SECURITY.at("baseline"),),
)
