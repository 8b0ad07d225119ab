"""An application returns to what git says."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import application_heals_itself
from policies.parts import at
from policies.rule import Rule
from policies.sources import ARGOCD_SECURITY

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-application-heals",
    invariant=application_heals_itself,
    kinds=frozenset(["argoproj.io/Application"]),
    parts=at("spec"),
    patches=False,
    severity=Severity.MEDIUM,
    sources=(ARGOCD_SECURITY,),
)
