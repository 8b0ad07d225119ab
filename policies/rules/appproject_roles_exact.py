"""A project's role names what it may do."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import app_project_roles_are_exact
from policies.parts import each
from policies.rule import Rule
from policies.sources import ARGOCD_PROJECTS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-appproject-roles-exact",
    invariant=app_project_roles_are_exact,
    kinds=frozenset(["argoproj.io/AppProject"]),
    parts=each("spec", "roles"),
    severity=Severity.HIGH,
    sources=(
        ARGOCD_PROJECTS,
        OWASP.at("CICD-SEC-5"),
    ),
)
