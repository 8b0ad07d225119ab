"""Nobody is bound to cluster-admin."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.rights import binding_grants_no_cluster_admin
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-binding-no-cluster-admin",
    invariant=binding_grants_no_cluster_admin,
    kinds=frozenset(["rbac.authorization.k8s.io/RoleBinding", "rbac.authorization.k8s.io/ClusterRoleBinding"]),
    severity=Severity.CRITICAL,
    sources=(
        CIS.at("5.1.1"),
        NSA,
    ),
)
