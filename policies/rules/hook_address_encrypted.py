"""A hook's events travel encrypted."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import hook_address_is_encrypted
from policies.rule import Rule
from policies.sources import GITLAB_HOOKS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-hook-address-encrypted",
    invariant=hook_address_is_encrypted,
    kinds=frozenset(["gitlab/ProjectHook", "gitlab/GroupHook", "gitlab/SystemHook"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_HOOKS,
        OWASP.at("CICD-SEC-6"),
    ),
)
