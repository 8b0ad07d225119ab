"""An object is declared by itself."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import object_is_no_list
from policies.rule import Rule
from policies.sources import OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-object-no-list",
    invariant=object_is_no_list,
    kinds=frozenset(
        [
            "core/*List",
            "apps/*List",
            "batch/*List",
            "networking.k8s.io/*List",
            "rbac.authorization.k8s.io/*List",
            "argoproj.io/*List",
            "pulumi.com/*List",
        ]
    ),
    severity=Severity.HIGH,
    sources=(OWASP.at("CICD-SEC-1"),),
)
