"""No role reads the secrets of the whole cluster."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.rights import role_reads_no_secrets
from policies.parts import each
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-clusterrole-no-secrets",
    invariant=role_reads_no_secrets,
    kinds=frozenset(["rbac.authorization.k8s.io/ClusterRole"]),
    parts=each("rules"),
    severity=Severity.HIGH,
    sources=(
        CIS.at("5.1.2"),
        NSA,
    ),
)
