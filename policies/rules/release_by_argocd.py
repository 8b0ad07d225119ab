"""Charts are rendered by Argo CD."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.cluster import chart_is_not_installed
from policies.rule import Rule
from policies.sources import OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-release-by-argocd",
    invariant=chart_is_not_installed,
    kinds=frozenset(["helm.sh/Release", "helm.sh/Chart"]),
    severity=Severity.HIGH,
    sources=(
        OWASP.at("CICD-SEC-3"),
        OWASP.at("CICD-SEC-8"),
    ),
)
