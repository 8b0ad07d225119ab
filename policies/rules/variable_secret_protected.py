"""A secret reaches protected branches and tags alone."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import secret_variable_is_protected
from policies.rule import Rule
from policies.sources import GITLAB_VARIABLES, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-variable-secret-protected",
    invariant=secret_variable_is_protected,
    kinds=frozenset(["gitlab/ProjectVariable", "gitlab/GroupVariable", "gitlab/InstanceVariable"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_VARIABLES,
        OWASP.at("CICD-SEC-6"),
    ),
)
