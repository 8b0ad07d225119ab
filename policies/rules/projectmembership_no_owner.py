"""Owners are members of the group, not of a project."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import membership_of_project_is_no_ownership
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-projectmembership-no-owner",
    invariant=membership_of_project_is_no_ownership,
    kinds=frozenset(["gitlab/ProjectMembership"]),
    severity=Severity.MEDIUM,
    sources=(
        OWASP.at("CICD-SEC-2"),
        GITLAB_HARDENING,
    ),
)
