"""The fixed battery that every rule passes."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel, ResourceValidationArgs, ResourceValidationPolicy
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy


def violations(rule: ResourceValidationPolicy, resource_type: str, props: dict[str, Any]) -> list[str]:
    """Return what the rule reports about a resource."""
    reported: list[str] = []
    args = ResourceValidationArgs(
        resource_type=resource_type,
        props=unknown_checking_proxy(props),
        urn=f"urn:pulumi:dev::bighpc::{resource_type}::subject",
        name="subject",
        opts=None,  # type: ignore[arg-type]
        provider=None,
    )

    def report(message: str, urn: str | None = None) -> None:
        reported.append(message)

    rule.validate(args, report)
    return reported


class Battery:
    """Subclass it as ``Test...`` and fill in the cases."""

    rule: ResourceValidationPolicy
    resource_type: str
    good: tuple[dict[str, Any], ...]
    bad: tuple[tuple[dict[str, Any], str], ...]
    """Inputs, and a text that the report contains."""
    unknown: tuple[dict[str, Any], ...]
    """Inputs in which the decisive value is ``UNKNOWN``."""

    def test_its_name_is_type_and_rule_in_kebab_case(self) -> None:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){2,}", self.rule.name)

    def test_it_says_what_holds_how_bad_a_violation_is_and_what_to_do(self) -> None:
        assert self.rule.description.endswith(".")
        assert self.rule.severity is not None
        assert self.rule.remediation_steps is not None
        assert self.rule.remediation_steps.endswith(".")

    def test_it_stops_an_update(self) -> None:
        assert self.rule.enforcement_level is EnforcementLevel.MANDATORY

    def test_good_resources_pass(self) -> None:
        for props in self.good:
            assert violations(self.rule, self.resource_type, props) == [], props

    def test_bad_resources_are_reported_with_the_value(self) -> None:
        for props, text in self.bad:
            reported = violations(self.rule, self.resource_type, props)
            assert len(reported) == 1, props
            assert text in reported[0]

    def test_what_a_preview_does_not_know_is_not_taken_for_good(self) -> None:
        for props in self.unknown:
            with pytest.raises(UnknownValueError):
                violations(self.rule, self.resource_type, props)

    def test_other_types_are_not_its_business(self) -> None:
        for props, _ in self.bad:
            assert violations(self.rule, "random:index/randomId:RandomId", props) == []
