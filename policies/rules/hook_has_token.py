"""A hook carries a token that its receiver checks."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import hook_has_a_token
from policies.rule import Rule
from policies.sources import ARGOCD_SECURITY, GITLAB_HOOKS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-hook-has-token",
    invariant=hook_has_a_token,
    kinds=frozenset(["gitlab/ProjectHook", "gitlab/GroupHook", "gitlab/SystemHook"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_HOOKS,
        ARGOCD_SECURITY,
        OWASP.at("CICD-SEC-6"),
    ),
)
