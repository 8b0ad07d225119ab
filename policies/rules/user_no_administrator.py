"""This program makes no administrators."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import user_is_no_administrator
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-user-no-administrator",
    invariant=user_is_no_administrator,
    kinds=frozenset(["gitlab/User"]),
    severity=Severity.CRITICAL,
    sources=(
        OWASP.at("CICD-SEC-2"),
        GITLAB_HARDENING,
    ),
)
