"""A secret belongs to one environment."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import secret_variable_has_a_scope
from policies.levels import ADVICE
from policies.rule import Rule
from policies.sources import GITLAB_VARIABLES, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-variable-secret-scoped",
    invariant=secret_variable_has_a_scope,
    kinds=frozenset(["gitlab/ProjectVariable", "gitlab/GroupVariable"]),
    severity=Severity.MEDIUM,
    levels=ADVICE,
    sources=(
        GITLAB_VARIABLES,
        OWASP.at("CICD-SEC-5"),
    ),
)
