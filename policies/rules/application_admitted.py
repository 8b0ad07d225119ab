"""An application keeps to its project."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import application_is_admitted_by_its_project
from policies.sources import ARGOCD_PROJECTS
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-application-admitted",
    invariant=application_is_admitted_by_its_project,
    subjects=of_kind("argoproj.io/Application"),
    kinds=frozenset(["argoproj.io/Application", "argoproj.io/AppProject"]),
    severity=Severity.HIGH,
    sources=(ARGOCD_PROJECTS,),
)
