"""How a rule becomes a CrossGuard policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)

from components.invariants import Violation

__all__ = ["Properties", "resource_rule"]

Properties = Mapping[str, Any]
"""A resource's inputs, with the names of the provider's schema."""


def resource_rule(
    *,
    name: str,
    description: str,
    resource_types: Iterable[str],
    find: Callable[[str, Properties], list[Violation]],
    remediation: str,
    severity: Severity,
    enforcement_level: EnforcementLevel = EnforcementLevel.MANDATORY,
) -> ResourceValidationPolicy:
    """Return a policy over single resources.

    Args:
        name: resource type and rule, in kebab-case.
        description: what holds, as a sentence.
        resource_types: the type tokens that it looks at.
        find: returns the violations of a resource, given its name and its inputs.
        remediation: what to do about a violation, as a sentence.
        severity: how bad a violation is.
        enforcement_level: whether a violation stops the update.
    """
    types = frozenset(resource_types)

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type in types:
            for violation in find(args.name, args.props):
                report(str(violation), args.urn)

    return ResourceValidationPolicy(
        name=name,
        description=description,
        validate=validate,
        enforcement_level=enforcement_level,
        severity=severity,
        remediation_steps=remediation,
    )
