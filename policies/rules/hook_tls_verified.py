"""A hook verifies whom it talks to."""

from __future__ import annotations

from typing import Any

from pulumi_policy import Severity

from components.invariants.access import hook_verifies_tls
from policies.levels import REPAIRED
from policies.rule import Circumstances, Rule
from policies.sources import GITLAB_HOOKS, OWASP

__all__ = ["RULE"]


def _verify(hook: Any, _: Circumstances) -> bool:
    hook["enableSslVerification"] = True
    return True


RULE = Rule(
    name="gitlab-hook-tls-verified",
    invariant=hook_verifies_tls,
    kinds=frozenset(["gitlab/ProjectHook", "gitlab/GroupHook", "gitlab/SystemHook"]),
    repair=_verify,
    severity=Severity.HIGH,
    levels=REPAIRED,
    sources=(
        GITLAB_HOOKS,
        OWASP.at("CICD-SEC-7"),
    ),
)
