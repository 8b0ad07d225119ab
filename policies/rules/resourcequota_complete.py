"""A quota limits processors, memory and the number of pods."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import quota_limits_everything
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-resourcequota-complete",
    invariant=quota_limits_everything,
    kinds=frozenset(["core/ResourceQuota"]),
    patches=False,
    severity=Severity.MEDIUM,
    sources=(
        NSA,
        CIS.at("5.7.1"),
    ),
)
