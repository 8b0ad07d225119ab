"""A repository's password travels encrypted."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import repository_is_encrypted
from policies.delivery_parts import repository
from policies.rule import Rule
from policies.sources import ARGOCD_SECURITY, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-repository-encrypted",
    invariant=repository_is_encrypted,
    kinds=frozenset(["core/Secret"]),
    parts=repository,
    severity=Severity.HIGH,
    sources=(
        ARGOCD_SECURITY,
        OWASP.at("CICD-SEC-6"),
    ),
)
