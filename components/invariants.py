"""What must never be deployed, as predicates that constructors and policies share.

Each returns the violations that it found. A constructor raises them, so even an ungated ``pulumi up`` refuses them; a
policy reports them, so a merge request shows them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from components.vocabulary import POD_SECURITY_PREFIX, PodSecurity, Visibility

__all__ = [
    "InvariantError",
    "Violation",
    "app_project_is_exact",
    "branch_refuses_force_push",
    "namespace_enforces_pod_security",
    "require",
    "visibility_is_limited",
]


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One broken rule."""

    subject: str
    """What breaks it, by kind and name."""
    value: str
    """The offending value; never a secret."""
    rule: str
    """What holds instead, as a sentence."""
    remedy: str
    """What to do, as an imperative."""

    def __str__(self) -> str:
        """Return the whole as one line."""
        return f"{self.subject}: {self.value}. {self.rule} {self.remedy}"


class InvariantError(ValueError):
    """A component was given what must never be deployed."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        super().__init__("\n".join(map(str, violations)))
        self.violations = tuple(violations)


def require(*findings: Iterable[Violation]) -> None:
    """Raise every violation found, at once.

    Raises:
        InvariantError: when there is at least one.
    """
    violations = [violation for found in findings for violation in found]
    if violations:
        raise InvariantError(violations)


def visibility_is_limited(subject: str, visibility: str) -> list[Violation]:
    """A GitLab group or project is private or internal."""
    if visibility != Visibility.PUBLIC:
        return []
    return [
        Violation(
            subject=subject,
            value=f"its visibility is '{visibility}'",
            rule="Groups and projects of the platform are private or internal.",
            remedy="Set the visibility to private or internal.",
        )
    ]


def branch_refuses_force_push(subject: str, allow_force_push: bool) -> list[Violation]:
    """A protected branch keeps its history: recovery by ``git revert`` depends on it."""
    if not allow_force_push:
        return []
    return [
        Violation(
            subject=subject,
            value="force push is allowed",
            rule="A protected branch keeps its history.",
            remedy="Set allowForcePush to false and undo changes with git revert.",
        )
    ]


def namespace_enforces_pod_security(subject: str, labels: Mapping[str, str]) -> list[Violation]:
    """A namespace says which Pod Security Standard it enforces, and it is not ``privileged``."""
    label = f"{POD_SECURITY_PREFIX}/enforce"
    level = labels.get(label)
    if level in {PodSecurity.BASELINE, PodSecurity.RESTRICTED}:
        return []
    return [
        Violation(
            subject=subject,
            value=f"its label {label} is '{level}'" if level else f"it has no label {label}",
            rule="Every namespace enforces the baseline or the restricted Pod Security Standard.",
            remedy=f"Add the label {label}: restricted.",
        )
    ]


def app_project_is_exact(
    subject: str, sources: Sequence[str], destinations: Sequence[Mapping[str, str]]
) -> list[Violation]:
    """An Argo CD project names its repositories and destinations one by one."""
    wide = [f"source repository {source!r}" for source in sources if "*" in source]
    wide += [
        f"destination {field} {value!r}"
        for destination in destinations
        for field, value in sorted(destination.items())
        if "*" in value
    ]
    return [
        Violation(
            subject=subject,
            value=f"it allows {what}",
            rule="A project names its repositories and destinations one by one.",
            remedy="Replace the wildcard by the exact values.",
        )
        for what in wide
    ]
