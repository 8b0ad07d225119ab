"""Who has no role in Argo CD may do nothing."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import argocd_default_role_is_harmless
from policies.delivery_parts import configuration
from policies.rule import Rule
from policies.sources import OWASP, Source

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-default-role",
    invariant=argocd_default_role_is_harmless,
    kinds=frozenset(["core/ConfigMap"]),
    parts=configuration("argocd-rbac-cm"),
    severity=Severity.HIGH,
    sources=(
        Source("Argo CD RBAC", "https://argo-cd.readthedocs.io/en/stable/operator-manual/rbac/"),
        OWASP.at("CICD-SEC-2"),
    ),
)
