"""Every hook has a token of its own."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import hook_has_a_token_of_its_own
from policies.sources import GITLAB_HOOKS, OWASP
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-hook-own-token",
    invariant=hook_has_a_token_of_its_own,
    subjects=of_kind("gitlab/ProjectHook", "gitlab/GroupHook"),
    kinds=frozenset(["gitlab/ProjectHook", "gitlab/GroupHook"]),
    severity=Severity.HIGH,
    sources=(
        OWASP.at("CICD-SEC-6"),
        GITLAB_HOOKS,
    ),
)
