"""GitLab groups and projects of the platform are not public."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants import Violation, visibility_is_limited
from policies.rule import Properties, resource_rule

__all__ = ["RULE"]


def _find(name: str, props: Properties) -> list[Violation]:
    return visibility_is_limited(name, props.get("visibilityLevel") or "private")


RULE = resource_rule(
    name="gitlab-visibility-limited",
    description="Groups and projects of the platform are private or internal.",
    resource_types=["gitlab:index/group:Group", "gitlab:index/project:Project"],
    find=_find,
    remediation="Set visibilityLevel to private or internal.",
    severity=Severity.CRITICAL,
)
