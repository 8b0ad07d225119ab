"""GitLab groups and projects of the platform are not public."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import visibility_is_limited
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-visibility-limited",
    invariant=visibility_is_limited,
    kinds=frozenset(["gitlab/Group", "gitlab/Project"]),
    read=lambda part, _: (part.value.get("visibilityLevel") or "private",),
    severity=Severity.CRITICAL,
    sources=(
        GITLAB_HARDENING,
        OWASP.at("CICD-SEC-7"),
    ),
)
