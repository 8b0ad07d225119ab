"""Argo CD lets in whom the site knows, and nobody into pods."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import argocd_settings_are_closed
from policies.delivery_parts import configuration
from policies.rule import Rule
from policies.sources import ARGOCD_SECURITY, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-settings-closed",
    invariant=argocd_settings_are_closed,
    kinds=frozenset(["core/ConfigMap"]),
    parts=configuration("argocd-cm"),
    severity=Severity.HIGH,
    sources=(
        ARGOCD_SECURITY,
        OWASP.at("CICD-SEC-7"),
    ),
)
