"""A privileged runner takes jobs of protected branches and tags alone."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import privileged_runner_is_protected
from policies.rule import Rule
from policies.sources import GITLAB_RUNNERS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-runner-privileged-protected",
    invariant=privileged_runner_is_protected,
    kinds=frozenset(["gitlab/UserRunner"]),
    severity=Severity.CRITICAL,
    sources=(
        GITLAB_RUNNERS,
        OWASP.at("CICD-SEC-4"),
    ),
)
