"""A hook's address carries no password or token."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import hook_address_has_no_credentials
from policies.rule import Rule
from policies.sources import GITLAB_HOOKS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-hook-address-no-credentials",
    invariant=hook_address_has_no_credentials,
    kinds=frozenset(["gitlab/ProjectHook", "gitlab/GroupHook", "gitlab/SystemHook"]),
    severity=Severity.CRITICAL,
    sources=(
        GITLAB_HOOKS,
        OWASP.at("CICD-SEC-6"),
    ),
)
