"""Sources travel encrypted."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import source_is_encrypted
from policies.delivery_parts import sources
from policies.rule import Rule
from policies.sources import ARGOCD_SECURITY, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-application-source-encrypted",
    invariant=source_is_encrypted,
    kinds=frozenset(["argoproj.io/Application"]),
    parts=sources,
    severity=Severity.HIGH,
    sources=(
        ARGOCD_SECURITY,
        OWASP.at("CICD-SEC-9"),
    ),
)
