"""No role enters pods."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.rights import role_enters_no_pods
from policies.parts import each
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-role-no-exec",
    invariant=role_enters_no_pods,
    kinds=frozenset(["rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole"]),
    parts=each("rules"),
    severity=Severity.HIGH,
    sources=(
        NSA,
        CIS.at("5.1.10"),
    ),
)
