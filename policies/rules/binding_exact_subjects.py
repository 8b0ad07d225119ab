"""A binding names accounts, users or groups of the site."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.rights import binding_names_its_subjects
from policies.parts import each
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-binding-exact-subjects",
    invariant=binding_names_its_subjects,
    kinds=frozenset(["rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding"]),
    parts=each("subjects"),
    severity=Severity.CRITICAL,
    sources=(
        CIS.at("5.1.7"),
        NSA,
    ),
)
