"""The default service account has no rights."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.rights import binding_spares_the_default_account
from policies.parts import each
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-binding-no-default-account",
    invariant=binding_spares_the_default_account,
    kinds=frozenset(["rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding"]),
    parts=each("subjects"),
    severity=Severity.HIGH,
    sources=(
        CIS.at("5.1.5"),
        NSA,
    ),
)
