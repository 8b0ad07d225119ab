"""A runner belongs to the group or a project."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import runner_is_of_the_group
from policies.rule import Rule
from policies.sources import GITLAB_RUNNERS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-runner-of-group",
    invariant=runner_is_of_the_group,
    kinds=frozenset(["gitlab/UserRunner"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_RUNNERS,
        OWASP.at("CICD-SEC-7"),
    ),
)
