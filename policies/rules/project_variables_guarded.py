"""Only maintainers override the variables of a pipeline."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import variables_are_overridden_by_maintainers
from policies.rule import Rule
from policies.sources import GITLAB_VARIABLES, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-project-variables-guarded",
    invariant=variables_are_overridden_by_maintainers,
    kinds=frozenset(["gitlab/Project"]),
    severity=Severity.MEDIUM,
    sources=(
        GITLAB_VARIABLES,
        OWASP.at("CICD-SEC-4"),
    ),
)
