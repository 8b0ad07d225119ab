"""A pipeline schedule holds no secrets."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import schedule_variable_is_no_secret
from policies.rule import Rule
from policies.sources import GITLAB_VARIABLES, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-schedulevariable-no-secret",
    invariant=schedule_variable_is_no_secret,
    kinds=frozenset(["gitlab/PipelineScheduleVariable"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_VARIABLES,
        OWASP.at("CICD-SEC-6"),
    ),
)
