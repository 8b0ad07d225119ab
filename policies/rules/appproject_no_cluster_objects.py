"""A project's applications change nothing outside of namespaces."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import app_project_leaves_the_cluster_alone
from policies.parts import each
from policies.rule import Rule
from policies.sources import ARGOCD_PROJECTS, ARGOCD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-appproject-no-cluster-objects",
    invariant=app_project_leaves_the_cluster_alone,
    kinds=frozenset(["argoproj.io/AppProject"]),
    parts=each("spec", "clusterResourceWhitelist"),
    severity=Severity.HIGH,
    sources=(
        ARGOCD_PROJECTS,
        ARGOCD_SECURITY,
    ),
)
