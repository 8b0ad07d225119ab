"""The fixed battery that every rule over whole stacks passes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pytest
from pulumi_policy import PolicyResource, PolicyResourceOptions, StackValidationArgs
from pulumi_policy.policy import PolicyCustomTimeouts
from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

from policies.rule import Circumstances
from policies.stack_rule import StackRule
from tests.unit.policies import samples
from tests.unit.policies.battery import HERE, BatteryOfMetadata, broken
from tests.unit.policies.samples import having


@dataclass(frozen=True, kw_only=True, eq=False)
class Declared:
    """A resource as a program declares it."""

    token: str
    name: str
    props: Mapping[str, Any]
    protect: bool = False
    uses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By property, the names of the resources that it comes from."""

    @property
    def urn(self) -> str:
        """What the engine calls it."""
        return f"urn:pulumi:dev::bighpc::bighpc:test:Thing${self.token}::{self.name}"


def _resources(declared: Iterable[Declared]) -> list[PolicyResource]:
    made = {
        each.name: PolicyResource(
            each.token,
            unknown_checking_proxy(dict(each.props)),
            each.urn,
            each.name,
            PolicyResourceOptions(each.protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), []),
            None,
            None,
            [],
            {},
        )
        for each in declared
    }
    for each in declared:
        made[each.name].property_dependencies = {
            name: [made[used] for used in names if used in made] for name, names in each.uses.items()
        }
    return list(made.values())


def reports(
    rule: StackRule,
    declared: Sequence[Declared],
    settings: dict[str, Any] | None = None,
    here: Circumstances = HERE,
    found: list[tuple[str, str | None]] | None = None,
) -> list[tuple[str, str | None]]:
    """Return the messages of a rule about a stack, each with the resource's name."""
    reported = [] if found is None else found
    names = {each.urn: each.name for each in declared}

    def report(message: str, urn: str | None = None) -> None:
        reported.append((message, names[urn] if urn else None))

    seen = [each for each in _resources(declared) if rule.sees(each.resource_type)]
    rule.policy(here).validate(StackValidationArgs(seen, settings), report)
    return reported


NAMESPACE: Final = Declared(token="kubernetes:core/v1:Namespace", name="namespace", props=samples.NAMESPACE)
POLICY: Final = Declared(
    token="kubernetes:networking.k8s.io/v1:NetworkPolicy", name="default-deny", props=samples.NETWORK_POLICY
)
QUOTA: Final = Declared(token="kubernetes:core/v1:ResourceQuota", name="quota", props=samples.QUOTA)
LIMITS: Final = Declared(token="kubernetes:core/v1:LimitRange", name="limits", props=samples.CONFIG)
PROJECT: Final = Declared(
    token="gitlab:index/project:Project",
    name="project",
    props={**samples.PROJECT, "httpUrlToRepo": "https://gitlab.example/bighpc/environments.git"},
    protect=True,
)
PROTECTION: Final = Declared(
    token="gitlab:index/branchProtection:BranchProtection",
    name="protection",
    props=having(samples.BRANCH_PROTECTION, {"branch": "main"}),
    uses={"project": ["project"]},
)
BRANCH: Final = Declared(
    token="gitlab:index/branch:Branch", name="branch", props={"name": "main"}, uses={"project": ["project"]}
)
GROUP: Final = Declared(token="gitlab:index/group:Group", name="group", props=samples.GROUP, protect=True)
AGENT: Final = Declared(token="gitlab:index/clusterAgent:ClusterAgent", name="agent", props={"project": "7"})
HOOK: Final = Declared(token="gitlab:index/projectHook:ProjectHook", name="hook", props=samples.HOOK)
APP_PROJECT: Final = Declared(
    token="kubernetes:argoproj.io/v1alpha1:AppProject",
    name="app-project",
    props=having(samples.APP_PROJECT, {"metadata name": "bighpc-dev"}),
)
APPLICATION: Final = Declared(
    token="kubernetes:argoproj.io/v1alpha1:Application", name="application", props=samples.APPLICATION
)
STACK: Final = Declared(token="kubernetes:pulumi.com/v1:Stack", name="stack", props=samples.STACK)

ENVIRONMENT: Final = (
    NAMESPACE,
    POLICY,
    QUOTA,
    LIMITS,
    PROJECT,
    PROTECTION,
    BRANCH,
    GROUP,
    AGENT,
    HOOK,
    APP_PROJECT,
    APPLICATION,
    STACK,
)
"""A stack that breaks no rule."""


def changed(declared: Declared, changes: dict[str, Any], name: str | None = None) -> Declared:
    """Return a resource with other inputs, and perhaps another name."""
    return replace(declared, props=having(dict(declared.props), changes), name=name or declared.name)


def without(*gone: Declared, instead: tuple[Declared, ...] = ()) -> tuple[Declared, ...]:
    """Return the good stack without some resources, or with others instead."""
    return (*(each for each in ENVIRONMENT if each not in gone), *instead)


class StackBattery(BatteryOfMetadata):
    """Subclass it as ``Test...`` and fill in the cases."""

    rule: StackRule
    good: tuple[tuple[Declared, ...], ...] = ()
    bad: tuple[tuple[tuple[Declared, ...], str | None, str], ...]
    """A stack, the resource that is reported, and a text that the report contains."""
    unknown: tuple[tuple[Declared, ...], ...] = ()
    """Stacks in which the decisive value is ``UNKNOWN``."""
    beside_unknown: tuple[tuple[tuple[Declared, ...], str], ...] = ()
    """Stacks with something wrong beside something ``UNKNOWN``, and the resource that is reported."""
    here: Circumstances = HERE
    """Where and when the bad stacks are judged."""
    good_here: Circumstances = HERE
    """Where and when the good stacks are judged."""

    def test_a_good_stack_passes(self) -> None:
        for stack in ((), ENVIRONMENT, *self.good):
            assert reports(self.rule, stack, here=self.good_here) == []

    def test_a_bad_stack_is_reported_with_the_resource(self) -> None:
        for stack, name, text in self.bad:
            found = reports(self.rule, stack, here=self.here)
            assert [who for _, who in found].count(name) == 1, found
            assert any(text in message and self.rule.invariant.remedy in message for message, _ in found), found

    def test_what_a_preview_does_not_know_is_not_taken_for_good(self) -> None:
        for stack in self.unknown:
            with pytest.raises(UnknownValueError):
                reports(self.rule, stack, here=self.here)

    def test_what_a_preview_does_not_know_hides_nothing_beside_it(self) -> None:
        for stack, name in self.beside_unknown:
            found: list[tuple[str, str | None]] = []
            with pytest.raises(UnknownValueError):
                reports(self.rule, stack, here=self.here, found=found)
            assert [who for _, who in found] == [name]

    def test_its_messages_give_no_secret_away(self) -> None:
        for stack, _, _ in self.bad:
            assert "canary" not in str(reports(self.rule, stack, here=self.here))

    def test_breaking_its_predicate_fails_this_battery(self) -> None:
        assert not self.accepts(broken(self.rule))

    @classmethod
    def accepts(cls, rule: StackRule) -> bool:
        """Whether another rule in place of this one passes the cases."""
        good = all(reports(rule, stack, here=cls.good_here) == [] for stack in ((), ENVIRONMENT, *cls.good))
        bad = [(reports(rule, stack, here=cls.here), name, text) for stack, name, text in cls.bad]
        return good and all(
            [who for _, who in found].count(name) == 1 and any(text in message for message, _ in found)
            for found, name, text in bad
        )
