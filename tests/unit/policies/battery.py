"""The fixed battery that every rule over single resources passes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace
from datetime import date
from typing import Any, Final, TypeVar

import pytest
from pulumi_policy import EnforcementLevel, ResourceValidationArgs
from pulumi_policy.deserialize import deserialize_properties, serialize_properties
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

from policies.levels import Levels, is_weaker
from policies.rule import BaseRule, Circumstances, Rule
from tests.unit.policies.samples import UNKNOWN

__all__ = ["HERE", "TODAY", "Battery", "BatteryOfMetadata", "arguments", "broken", "leaves", "remediated", "violations"]

TODAY: Final = date(2026, 11, 25)
R = TypeVar("R", bound=BaseRule)

HERE: Final = Circumstances(environment="dev", today=TODAY)


def arguments(
    resource_type: str, props: Any, settings: dict[str, Any] | None = None, name: str = "subject"
) -> ResourceValidationArgs:
    """Return what the SDK hands to a policy."""
    return ResourceValidationArgs(
        resource_type=resource_type,
        props=props,
        urn=f"urn:pulumi:dev::bighpc::{resource_type}::{name}",
        name=name,
        opts=None,  # type: ignore[arg-type]  # no rule over single resources looks at options
        provider=None,
        config=settings,
    )


def violations(
    rule: Rule,
    resource_type: str,
    props: dict[str, Any],
    settings: dict[str, Any] | None = None,
    here: Circumstances = HERE,
    reported: list[str] | None = None,
    name: str = "subject",
) -> list[str]:
    """Return what the rule reports about a resource; into ``reported`` it also goes when the rule raises."""
    found = [] if reported is None else reported

    def report(message: str, urn: str | None = None) -> None:
        found.append(message)

    given = arguments(resource_type, unknown_checking_proxy(deepcopy(props)), settings, name)
    rule.policy(here).validate(given, report)
    return found


def remediated(rule: Rule, resource_type: str, props: dict[str, Any], here: Circumstances = HERE) -> Any:
    """Return the inputs that the rule puts right, as the engine gets them, or None."""
    given = unknown_checking_proxy(deserialize_properties(deepcopy(props), True))
    result: Any = rule.policy(here).remediate(arguments(resource_type, given))
    return None if result is None else serialize_properties(result)


def broken(rule: R) -> R:
    """Return the rule with a predicate that finds nothing."""
    return replace(rule, invariant=replace(rule.invariant, find=lambda *_: ()))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a resource, containers included."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value))) if isinstance(value, list) else []
    for key in keys:
        yield (*path, key)
        yield from leaves(value[key], (*path, key))


def _replaced(props: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed = deepcopy(props)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


class BatteryOfMetadata:
    """What every rule says about itself."""

    rule: BaseRule

    def test_its_name_is_type_and_rule_in_kebab_case(self) -> None:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){2,}", self.rule.name)

    def test_it_says_what_holds_how_bad_a_violation_is_what_to_do_and_where_it_comes_from(self) -> None:
        policy = self.rule.policy(HERE)  # type: ignore[attr-defined]  # both kinds of rules have it
        assert policy.description.endswith(".")
        assert policy.severity is not None
        assert policy.remediation_steps.endswith(".")
        assert policy.url.startswith("https://")
        assert all(source.url.startswith("https://") and source.title for source in self.rule.sources)

    def test_production_is_judged_at_least_as_strictly_as_other_environments(self) -> None:
        levels = self.rule.levels
        assert EnforcementLevel.DISABLED not in levels
        assert not is_weaker(levels.prod, levels.preview)
        assert not is_weaker(levels.preview, levels.dev)
        assert [self.rule.policy(replace(HERE, environment=each)).enforcement_level for each in Levels._fields] == [  # type: ignore[attr-defined]  # both kinds of rules have it
            *levels
        ]

    def test_its_configuration_has_defaults_and_bounds(self) -> None:
        for schema in self.rule.settings.values():
            assert schema["minimum"] <= schema["default"] <= schema["maximum"]


class Battery(BatteryOfMetadata):
    """Subclass it as ``Test...`` and fill in the cases."""

    rule: Rule
    resource_type: str
    good: tuple[dict[str, Any], ...] = ()
    bad: tuple[tuple[dict[str, Any], str], ...]
    """Inputs, and a text that the report contains; the first breaks no other rule."""
    unknown: tuple[dict[str, Any], ...] = ()
    """Inputs in which the decisive value is ``UNKNOWN``."""
    beside_unknown: tuple[tuple[dict[str, Any], str], ...] = ()
    """Inputs with something wrong beside something ``UNKNOWN``, and a text that the report contains."""

    def test_good_resources_pass(self) -> None:
        for props in self.good:
            assert violations(self.rule, self.resource_type, props) == [], props

    def test_bad_resources_are_reported_with_the_value(self) -> None:
        for props, text in self.bad:
            reported = violations(self.rule, self.resource_type, props)
            assert len(reported) == 1, (props, reported)
            assert text in reported[0], (text, reported)
            assert self.rule.invariant.remedy in reported[0]

    def test_what_a_preview_does_not_know_is_not_taken_for_good(self) -> None:
        for props in self.unknown:
            with pytest.raises(UnknownValueError):
                violations(self.rule, self.resource_type, props)

    def test_what_a_preview_does_not_know_hides_nothing_beside_it(self) -> None:
        for props, text in self.beside_unknown:
            reported: list[str] = []
            with pytest.raises(UnknownValueError):
                violations(self.rule, self.resource_type, props, reported=reported)
            assert len(reported) == 1, (props, reported)
            assert text in reported[0], (text, reported)

    def test_it_survives_every_value_that_is_unknown_or_null(self) -> None:
        for props, _ in self.bad:
            for path in leaves(props):
                violations(self.rule, self.resource_type, _replaced(props, path, None))
                with suppress(UnknownValueError):
                    violations(self.rule, self.resource_type, _replaced(props, path, UNKNOWN))

    def test_other_types_are_not_its_business(self) -> None:
        for props, _ in self.bad:
            assert violations(self.rule, "random:index/randomId:RandomId", props) == []

    def test_what_it_puts_right_is_right_and_nothing_else_changes(self) -> None:
        for props in self.good:
            assert remediated(self.rule, self.resource_type, props) is None
        for props, _ in self.bad:
            fixed = remediated(self.rule, self.resource_type, props)
            assert fixed is None or violations(self.rule, self.resource_type, fixed) == []
            assert fixed is None or self.rule.repair is not None

    def test_its_messages_give_no_secret_away(self) -> None:
        for props, _ in self.bad:
            assert "canary" not in "".join(violations(self.rule, self.resource_type, props)).lower()

    def test_breaking_its_predicate_fails_this_battery(self) -> None:
        assert not self.accepts(broken(self.rule))

    @classmethod
    def accepts(cls, rule: Rule) -> bool:
        """Whether another rule in place of this one passes the cases."""
        good = all(violations(rule, cls.resource_type, props) == [] for props in cls.good)
        bad = [(violations(rule, cls.resource_type, props), text) for props, text in cls.bad]
        return good and all(len(found) == 1 and text in found[0] for found, text in bad)
