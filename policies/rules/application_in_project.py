"""An application belongs to a project that limits it."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import application_uses_a_project
from policies.parts import at
from policies.rule import Rule
from policies.sources import ARGOCD_PROJECTS, ARGOCD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-application-in-project",
    invariant=application_uses_a_project,
    kinds=frozenset(["argoproj.io/Application"]),
    parts=at("spec"),
    patches=False,
    severity=Severity.HIGH,
    sources=(
        ARGOCD_PROJECTS,
        ARGOCD_SECURITY,
    ),
)
