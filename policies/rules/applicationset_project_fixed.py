"""The project of generated applications is fixed."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import applications_share_a_fixed_project
from policies.parts import at
from policies.rule import Rule
from policies.sources import ARGOCD_PROJECTS, Source

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-applicationset-project-fixed",
    invariant=applications_share_a_fixed_project,
    kinds=frozenset(["argoproj.io/ApplicationSet"]),
    parts=at("spec"),
    patches=False,
    severity=Severity.HIGH,
    sources=(
        Source(
            "Argo CD ApplicationSet security",
            "https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Security/",
        ),
        ARGOCD_PROJECTS,
    ),
)
