"""Only maintainers make projects in the group."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import projects_are_made_by_maintainers
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-group-projects-by-maintainers",
    invariant=projects_are_made_by_maintainers,
    kinds=frozenset(["gitlab/Group"]),
    severity=Severity.MEDIUM,
    sources=(
        GITLAB_HARDENING,
        OWASP.at("CICD-SEC-2"),
    ),
)
