"""Pages are for members."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import pages_are_not_public
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-project-pages-private",
    invariant=pages_are_not_public,
    kinds=frozenset(["gitlab/Project"]),
    severity=Severity.MEDIUM,
    sources=(GITLAB_HARDENING,),
)
