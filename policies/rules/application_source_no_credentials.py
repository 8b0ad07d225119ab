"""The address of an application's source carries no password or token."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import source_has_no_credentials
from policies.delivery_parts import sources
from policies.rule import Rule
from policies.sources import ARGOCD_SECURITY, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-application-source-no-credentials",
    invariant=source_has_no_credentials,
    kinds=frozenset(["argoproj.io/Application"]),
    parts=sources,
    severity=Severity.CRITICAL,
    sources=(
        ARGOCD_SECURITY,
        OWASP.at("CICD-SEC-6"),
    ),
)
