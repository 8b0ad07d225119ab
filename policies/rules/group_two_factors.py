"""Members of the group sign in with two factors."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import group_asks_for_two_factors
from policies.levels import ADVICE
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-group-two-factors",
    invariant=group_asks_for_two_factors,
    kinds=frozenset(["gitlab/Group"]),
    severity=Severity.HIGH,
    levels=ADVICE,
    sources=(
        GITLAB_HARDENING,
        OWASP.at("CICD-SEC-2"),
    ),
)
