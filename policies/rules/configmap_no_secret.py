"""A ConfigMap holds no secrets."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import configuration_holds_no_secret
from policies.parts import each_entry
from policies.rule import Rule
from policies.sources import CIS, NSA, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-configmap-no-secret",
    invariant=configuration_holds_no_secret,
    kinds=frozenset(["core/ConfigMap"]),
    parts=each_entry(("data",)),
    severity=Severity.CRITICAL,
    sources=(
        CIS.at("5.4"),
        NSA,
        OWASP.at("CICD-SEC-6"),
    ),
)
