"""How an invariant becomes a CrossGuard policy."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyConfigSchema,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    Severity,
)
from pulumi_policy.proxy import UnknownValueError

from components.invariants.violation import Invariant, Violation
from policies.exemptions import Exemption
from policies.kinds import kind_of, matches, plain
from policies.levels import EVERYWHERE, Levels
from policies.parts import Part, Parts, whole
from policies.sources import Source

__all__ = ["BaseRule", "Circumstances", "Read", "Repair", "Rule", "message", "settle"]


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """Where and when a rule judges."""

    environment: str
    """The stack's name, which is its environment's."""
    today: date
    exemptions: Sequence[Exemption] = ()
    rules: Collection[str] = ()
    """The names of all rules."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The rule's own configuration."""

    @property
    def granted(self) -> Iterator[Exemption]:
        """The exemptions that hold here and today."""
        return (each for each in self.exemptions if each.holds(self.environment, self.today, self.rules))


Read = Callable[[Part, Circumstances], tuple[Any, ...]]
"""Returns what the invariant is given."""

Repair = Callable[[Any, Circumstances], bool]
"""Puts a resource's inputs right in place; tells whether it could."""


def _as_it_is(part: Part, _: Circumstances) -> tuple[Any, ...]:
    return (part.value, *part.more)


def message(violation: Violation) -> str:
    """Return what is shown below the rule's own sentence."""
    return f"{violation.subject}: {violation.value}. {violation.remedy}"


def settle(judgements: Iterable[Callable[[], None]]) -> None:
    """Run every judgement, whatever a preview does not know of what the others judge.

    Raises:
        UnknownValueError: at the end, when a preview does not know enough for one of them; the engine says so.
    """
    unknown: UnknownValueError | None = None
    for judge in judgements:
        try:
            judge()
        except UnknownValueError as error:
            unknown = unknown or error
    if unknown is not None:
        raise unknown


@dataclass(frozen=True, kw_only=True)
class BaseRule:
    """What rules over single resources and over whole stacks have in common."""

    name: str
    """Resource type and rule, in kebab-case."""
    invariant: Invariant[...]
    severity: Severity
    sources: tuple[Source, ...]
    """Where it comes from."""
    levels: Levels = EVERYWHERE
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The JSON schema of its configuration, by key; each has a default, and bounds that only make the rule stricter."""

    def metadata(self, environment: str) -> dict[str, Any]:
        """Return what CrossGuard shows about the policy."""
        return {
            "name": self.name,
            "description": self.invariant.rule,
            "enforcement_level": self.levels.of(environment),
            "severity": self.severity,
            "remediation_steps": self.invariant.remedy,
            "url": self.sources[0].url,
            "config_schema": PolicyConfigSchema({key: dict(value) for key, value in self.settings.items()})
            if self.settings
            else None,
        }

    def configured(self, circumstances: Circumstances, given: Mapping[str, Any]) -> Circumstances:
        """Return the circumstances with the rule's configuration, which falls back to its defaults."""
        if not self.settings:
            return circumstances
        settings = {key: given.get(key, schema["default"]) for key, schema in self.settings.items()}
        return replace(circumstances, settings=settings)

    def apply(self, subject: str, given: Callable[[], tuple[Any, ...]], report: Callable[[Violation], None]) -> None:
        """Report the violations of one subject, and what has another form than the provider's schema.

        A rule that cannot read a value neither ends the pack nor lets the value pass.
        """
        try:
            for violation in self.invariant.judge(subject, *given()):
                report(violation)
        except (AttributeError, LookupError, TypeError, ValueError):
            value = "it cannot be judged: its values have another form than the schema's"
            report(Violation(subject=subject, value=value, rule=self.invariant.rule, remedy=self.invariant.remedy))

    def exempts(self, urn: str, circumstances: Circumstances) -> bool:
        """Whether an exemption lets a resource break the rule."""
        return any(each.covers(self.name, urn) for each in circumstances.granted)


@dataclass(frozen=True, kw_only=True)
class Rule(BaseRule):
    """A rule over single resources."""

    kinds: frozenset[str]
    """What it looks at, as API group and kind, such as ``core/Namespace`` or ``gitlab/Project``: see ``matches``."""
    parts: Parts = whole
    """What of a resource is judged one by one."""
    read: Read = _as_it_is
    patches: bool = True
    """Whether it judges patches too: not when it asks for something that a patch may leave as it is."""
    repair: Repair | None = None
    """How a violation is put right, where the right value is certain."""

    def concerns(self, token: str) -> bool:
        """Whether it looks at resources of a type."""
        return matches(token, self.kinds, self.patches)

    def judge(
        self,
        token: str,
        name: str,
        props: Mapping[str, Any],
        circumstances: Circumstances,
        report: Callable[[Violation], None],
    ) -> None:
        """Report the violations of every part of a resource.

        Raises:
            UnknownValueError: at the end, when a preview does not know enough to judge one of them.
        """
        subject = f"{kind_of(token).rpartition('/')[2]} {name}"
        settle(partial(self._judge, subject, part, circumstances, report) for part in self.parts(props))

    def _judge(
        self, subject: str, part: Part, circumstances: Circumstances, report: Callable[[Violation], None]
    ) -> None:
        if isinstance(part.value, UnknownValueError):
            raise part.value
        where = f"{subject}, {part.where}" if part.where else subject
        self.apply(where, lambda: self.read(part, circumstances), report)

    def policy(self, circumstances: Circumstances) -> ResourceValidationPolicy:
        """Return the policy that the engine runs."""

        def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
            if not self.concerns(args.resource_type) or self.exempts(args.urn, circumstances):
                return
            here = self.configured(circumstances, args.get_config())
            self.judge(args.resource_type, args.name, args.props, here, lambda each: report(message(each), args.urn))

        def remediate(args: ResourceValidationArgs) -> Mapping[str, Any] | None:
            if not self.concerns(args.resource_type) or self.exempts(args.urn, circumstances):
                return None
            return self._repaired(args, self.configured(circumstances, args.get_config()))

        repairs = self.levels.of(circumstances.environment) is EnforcementLevel.REMEDIATE
        return ResourceValidationPolicy(
            validate=validate,
            remediate=remediate if repairs else None,  # type: ignore[arg-type]  # a mapping need not be awaitable
            **self.metadata(circumstances.environment),
        )

    def _repaired(self, args: ResourceValidationArgs, circumstances: Circumstances) -> Mapping[str, Any] | None:
        """Return the inputs put right, or nothing when they are right or nobody knows them yet."""
        found: list[Violation] = []
        try:
            self.judge(args.resource_type, args.name, plain(args.props), circumstances, found.append)
        except UnknownValueError:
            return None
        repaired = found and self.repair is not None and self.repair(args.props, circumstances)
        return args.props if repaired else None
