"""How an invariant over a whole stack becomes a CrossGuard policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pulumi_policy import PolicyResource, ReportViolation, StackValidationArgs, StackValidationPolicy

from components.invariants.composition import Resource, Stack
from policies.kinds import kind_of, matches
from policies.rule import BaseRule, Circumstances, message, settle

__all__ = ["StackRule", "Subject", "Subjects", "of_kind", "stack_itself"]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is judged at once."""

    called: str
    """Kind and name."""
    given: tuple[Any, ...]
    """What the invariant is given."""
    urn: str | None = None
    """The resource that is in violation, if it is one."""


Subjects = Callable[[Stack, Circumstances], Iterable[Subject]]


def of_kind(*kinds: str, read: Callable[[Resource, Stack, Circumstances], tuple[Any, ...]] | None = None) -> Subjects:
    """The resources of these kinds, or all; by default the invariant is given the resource and the stack."""

    def subjects(stack: Stack, circumstances: Circumstances) -> Iterator[Subject]:
        for resource in stack.resources:
            if not kinds or resource.kind in kinds:
                given = read(resource, stack, circumstances) if read else (resource, stack)
                called = f"{resource.kind.rpartition('/')[2]} {resource.name}"
                yield Subject(called=called, given=given, urn=resource.urn)

    return subjects


def stack_itself(stack: Stack, circumstances: Circumstances) -> Iterator[Subject]:
    """The stack."""
    yield Subject(called=f"Stack {circumstances.environment}", given=(stack,))


@dataclass(frozen=True, kw_only=True)
class StackRule(BaseRule):
    """A rule over what a stack's resources are to each other."""

    subjects: Subjects
    kinds: frozenset[str]
    """What it looks at, as a ``Rule``'s."""

    def sees(self, token: str) -> bool:
        """Whether it looks at resources of a type."""
        return matches(token, self.kinds, True)

    def policy(self, circumstances: Circumstances) -> StackValidationPolicy:
        """Return the policy that the engine runs."""

        def validate(args: StackValidationArgs, report: ReportViolation) -> None:
            stack = Stack(map(_resource, args.resources))
            here = self.configured(circumstances, args.get_config())
            settle(partial(self._judge, subject, here, report) for subject in self.subjects(stack, here))

        return StackValidationPolicy(validate=validate, **self.metadata(circumstances.environment))

    def _judge(self, subject: Subject, circumstances: Circumstances, report: ReportViolation) -> None:
        if subject.urn and self.exempts(subject.urn, circumstances):
            return
        self.apply(subject.called, lambda: subject.given, lambda each: report(message(each), subject.urn))


def _resource(resource: PolicyResource) -> Resource:
    uses: dict[str, Sequence[str]] = {
        name: [each.urn for each in used] for name, used in resource.property_dependencies.items()
    }
    return Resource(
        kind=kind_of(resource.resource_type),
        name=resource.name,
        urn=resource.urn,
        data=resource.props,
        protected=bool(resource.opts.protect),
        uses=uses,
    )
