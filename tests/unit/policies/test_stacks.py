"""The stacks of the repository pass the pack at their own level."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pulumi_policy import EnforcementLevel
from pulumi_policy.deserialize import deserialize_properties

from policies.exemptions import load_exemptions
from policies.pack import RULES
from policies.rule import Circumstances, Rule
from stacks.environments import Environment
from tests.conftest import Recorder
from tests.meta.test_stack_files import stack_settings
from tests.unit.policies.battery import HERE, violations
from tests.unit.policies.stack_battery import Declared, reports
from tests.unit.stacks.test_platform import platform

Build = Callable[[Callable[[], object]], Recorder]

UNSEEN = {"stack-data-protected"}
"""Rules about options, which mocks are not told of; the stacks' own tests on the real engine see them."""


def declared(recorder: Recorder) -> Iterator[Declared]:
    """Yield what a program declared; the recorder's GitLab is reached encrypted."""
    names = {str(number): each for number, each in enumerate(recorder.resources, start=1)}
    for resource in recorder.resources:
        text = json.dumps(resource.inputs, default=str).replace("http://gitlab.example", "https://gitlab.example")
        props: dict[str, Any] = deserialize_properties(json.loads(text))
        if resource.token == "gitlab:index/project:Project":
            props["httpUrlToRepo"] = f"https://gitlab.example/bighpc/{props['path']}.git"
        uses = {
            key: [names[str(value)].name]
            for key, value in props.items()
            if key in {"project", "groupId", "agentId"} and str(value) in names
        }
        yield Declared(token=resource.token, name=resource.name, props=props, uses=uses)


def circumstances(environment: Environment) -> Circumstances:
    return replace(
        HERE, environment=environment.stack, exemptions=load_exemptions(), rules=frozenset(rule.name for rule in RULES)
    )


def findings(stack: list[Declared], here: Circumstances) -> Iterator[tuple[str, str]]:
    """Yield the mandatory rules that are broken and what they report."""
    for rule in RULES:
        if rule.levels.of(here.environment) is EnforcementLevel.ADVISORY or rule.name in UNSEEN:
            continue
        if isinstance(rule, Rule):
            for each in stack:
                if not rule.exempts(each.urn, here):
                    found = violations(rule, each.token, dict(each.props), here=here, name=each.name)
                    yield from ((rule.name, message) for message in found)
        else:
            yield from ((rule.name, message) for message, _ in reports(rule, stack, here=here))


@pytest.mark.parametrize("environment", Environment)
def test_a_stack_breaks_no_rule_that_is_mandatory_there(
    build: Build, monkeypatch: pytest.MonkeyPatch, environment: Environment
) -> None:
    monkeypatch.setenv("BIGHPC_ARGOCD_WEBHOOK_URL", "http://127.0.0.1:8080/api/webhook")
    monkeypatch.setenv("BIGHPC_ARGOCD_WEBHOOK_SECRET", "only-a-test")
    recorder = build(platform(environment, stack_settings(environment), monkeypatch))
    stack = [each for each in declared(recorder) if not each.token.startswith(("pulumi:", "bighpc:"))]
    assert len(stack) >= 10
    found = [f"{rule}: {text}" for rule, text in findings(stack, circumstances(environment))]
    assert not found, "\n".join(found)
