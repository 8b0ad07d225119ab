"""The limits that an application lives in are not the application's to change."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import app_project_cannot_change_limits
from policies.parts import at
from policies.rule import Rule
from policies.sources import ARGOCD_PROJECTS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-appproject-keeps-limits",
    invariant=app_project_cannot_change_limits,
    kinds=frozenset(["argoproj.io/AppProject"]),
    parts=at("spec"),
    patches=False,
    severity=Severity.HIGH,
    sources=(
        ARGOCD_PROJECTS,
        NSA,
    ),
)
