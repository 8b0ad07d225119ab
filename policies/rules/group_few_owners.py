"""A group has few owners."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import group_has_few_owners
from policies.sources import GITLAB_HARDENING, OWASP
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-group-few-owners",
    invariant=group_has_few_owners,
    subjects=of_kind("gitlab/Group", read=lambda group, stack, here: (group, stack, here.settings["maximumOwners"])),
    settings={"maximumOwners": {"type": "integer", "minimum": 1, "maximum": 4, "default": 4}},
    kinds=frozenset(["gitlab/Group", "gitlab/GroupMembership"]),
    severity=Severity.MEDIUM,
    sources=(
        OWASP.at("CICD-SEC-2"),
        GITLAB_HARDENING,
    ),
)
