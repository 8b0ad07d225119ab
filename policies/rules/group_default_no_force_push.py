"""The branches of new projects keep their history."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import default_branches_refuse_force_push
from policies.rule import Rule
from policies.sources import GITLAB_BRANCHES, SLSA

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-group-default-no-force-push",
    invariant=default_branches_refuse_force_push,
    kinds=frozenset(["gitlab/Group"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_BRANCHES,
        SLSA,
    ),
)
