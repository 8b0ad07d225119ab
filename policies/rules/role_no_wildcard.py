"""A role names its groups, resources and verbs one by one."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.rights import role_has_no_wildcards
from policies.parts import each
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-role-no-wildcard",
    invariant=role_has_no_wildcards,
    kinds=frozenset(["rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole"]),
    parts=each("rules"),
    severity=Severity.HIGH,
    sources=(
        CIS.at("5.1.3"),
        NSA,
    ),
)
