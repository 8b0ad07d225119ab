"""What an invariant is, and what it says about what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec

__all__ = ["Data", "Invariant", "InvariantError", "Violation", "invariant", "require"]

Data = Mapping[str, Any]
"""A part of a resource, with the names of the provider's schema."""

P = ParamSpec("P")


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


@dataclass(frozen=True)
class Invariant(Generic[P]):
    """A predicate over plain data, with the sentences that a violation of it is reported with."""

    rule: str
    """What holds, as a sentence."""
    remedy: str
    """What to do about a violation, as an imperative."""
    find: Callable[P, Iterable[str]]
    """Yields each offending value in words that follow the subject's name and a colon."""

    def __call__(self, subject: str, *args: P.args, **kwargs: P.kwargs) -> list[Violation]:
        """Return the violations of a subject, which is named in them by kind and name."""
        return list(self.judge(subject, *args, **kwargs))

    def judge(self, subject: str, *args: P.args, **kwargs: P.kwargs) -> Iterator[Violation]:
        """Yield the violations one by one, so that a value nobody knows yet hides none found before it."""
        for value in self.find(*args, **kwargs):
            yield Violation(subject=subject, value=value, rule=self.rule, remedy=self.remedy)


def invariant(rule: str, remedy: str) -> Callable[[Callable[P, Iterable[str]]], Invariant[P]]:
    """Make an invariant of a function that yields offending values."""

    def decorate(find: Callable[P, Iterable[str]]) -> Invariant[P]:
        return Invariant(rule, remedy, find)

    return decorate
