"""The pack as a whole: what is in it, that its rules do not overlap, and that its tests would notice a broken rule."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from policies.document import render
from policies.pack import RULES, circumstances, policies
from policies.rule import Rule
from policies.stack_rule import StackRule
from tests.unit.policies import samples
from tests.unit.policies.battery import HERE, Battery, violations
from tests.unit.policies.mutants import mutants
from tests.unit.policies.stack_battery import ENVIRONMENT, StackBattery, reports

DOCUMENT = Path(__file__).parents[3] / "docs" / "policies.md"
RESOURCE_RULES = [rule for rule in RULES if isinstance(rule, Rule)]
STACK_RULES = [rule for rule in RULES if isinstance(rule, StackRule)]


def batteries() -> Iterator[type[Battery] | type[StackBattery]]:
    """Yield the battery of every rule."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"{__package__}.{path.stem}")
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, Battery | StackBattery) and hasattr(each, "rule"):
                yield each


BATTERIES = {battery.rule.name: battery for battery in batteries()}


def test_there_are_enough_rules_and_each_has_a_battery() -> None:
    assert len(RULES) >= 45
    assert sorted(BATTERIES) == sorted(rule.name for rule in RULES)


def test_every_rule_becomes_a_policy_of_its_kind() -> None:
    made = policies(circumstances("prod"))
    assert len({policy.name for policy in made}) == len(RULES)
    assert sum(isinstance(policy, ResourceValidationPolicy) for policy in made) == len(RESOURCE_RULES)
    assert sum(isinstance(policy, StackValidationPolicy) for policy in made) == len(STACK_RULES)


def test_no_two_rules_share_a_predicate() -> None:
    assert len({id(rule.invariant) for rule in RULES}) == len(RULES)


def test_the_table_in_the_documentation_is_current() -> None:
    assert DOCUMENT.read_text() == render(), "run: python -m policies.document > docs/policies.md"


@pytest.mark.parametrize("rule", RESOURCE_RULES, ids=lambda rule: rule.name)
def test_a_bad_resource_breaks_its_own_rule_alone(rule: Rule) -> None:
    battery: Any = BATTERIES[rule.name]
    props, _ = battery.bad[0]
    broken = [other.name for other in RESOURCE_RULES if violations(other, battery.resource_type, props)]
    assert broken == [rule.name]


@pytest.mark.parametrize("rule", STACK_RULES, ids=lambda rule: rule.name)
def test_a_bad_stack_breaks_its_own_rule_alone(rule: StackRule) -> None:
    battery: Any = BATTERIES[rule.name]
    stack, _, _ = battery.bad[0]
    broken = [other.name for other in STACK_RULES if reports(other, stack, here=battery.here)]
    assert broken == [rule.name]


def test_the_samples_break_no_rule() -> None:
    for rule in RESOURCE_RULES:
        for each in ENVIRONMENT:
            assert violations(rule, each.token, dict(each.props)) == [], rule.name
        assert violations(rule, "kubernetes:apps/v1:Deployment", samples.DEPLOYMENT) == [], rule.name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_mutant_of_its_predicate_survives_its_battery(rule: Rule | StackRule) -> None:
    battery: Any = BATTERIES[rule.name]
    survivors = [description for description, mutant in mutants(rule) if battery.accepts(mutant)]
    assert survivors == ["no fault"]


def test_the_pack_is_served_with_the_circumstances_of_its_stack() -> None:
    here = circumstances("preview")
    assert here.environment == "preview"
    assert here.today >= HERE.today
    assert set(here.rules) == {rule.name for rule in RULES}
