"""An application deploys to a namespace of its own environment."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import application_spares_system_namespaces
from policies.parts import at
from policies.rule import Rule
from policies.sources import ARGOCD_SECURITY, CIS

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-application-spares-system",
    invariant=application_spares_system_namespaces,
    kinds=frozenset(["argoproj.io/Application"]),
    parts=at("spec"),
    patches=False,
    severity=Severity.HIGH,
    sources=(
        CIS.at("5.7.4"),
        ARGOCD_SECURITY,
    ),
)
