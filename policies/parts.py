"""What of a resource a rule judges one by one, so that a value that a preview does not know yet hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import getitem
from typing import Any

from pulumi_policy.proxy import UnknownValueError

__all__ = [
    "Part",
    "Parts",
    "Properties",
    "at",
    "each",
    "each_entry",
    "elements",
    "known",
    "look",
    "network_rules",
    "whole",
]

Properties = Mapping[str, Any]
"""A resource's inputs, with the names of the provider's schema."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What is judged at once."""

    value: Any
    """What the invariant is given, or the error when a preview does not know it."""
    where: str = ""
    """Where it is in the resource, in words."""
    more: tuple[Any, ...] = ()
    """What else the invariant is given."""


Parts = Callable[[Properties], Iterable[Part]]


def known(read: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function reads, or the error when a preview does not know it."""
    try:
        return read(*arguments)
    except UnknownValueError as unknown:
        return unknown


def look(props: Properties, *path: str) -> Any:
    """Return what is at a path, or None."""
    found: Any = props
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def elements(sequence: Sequence[Any] | UnknownValueError | None) -> Iterator[Any]:
    """Yield each element of a list, or the error where a preview does not know it."""
    if isinstance(sequence, UnknownValueError):
        yield sequence
        return
    for index in range(len(sequence or ())):
        yield known(getitem, sequence, index)


def whole(props: Properties) -> Iterable[Part]:
    """The resource as a whole."""
    return [Part(value=props)]


def at(*path: str) -> Parts:
    """The mapping at a path, empty when it is not there."""

    def parts(props: Properties) -> Iterable[Part]:
        found = known(look, props, *path)
        return [Part(value={} if found is None else found)]

    return parts


def each(*path: str) -> Parts:
    """The elements of the list at a path."""
    return lambda props: (Part(value=element) for element in elements(known(look, props, *path)))


def each_entry(*paths: tuple[str, ...]) -> Parts:
    """The entries of the mappings at these paths, each as a mapping of one key."""

    def parts(props: Properties) -> Iterator[Part]:
        for path in paths:
            entries = known(look, props, *path)
            if isinstance(entries, UnknownValueError):
                yield Part(value=entries)
                continue
            for key in entries or ():
                value = known(getitem, entries, key)
                yield Part(value=value if isinstance(value, UnknownValueError) else {key: value})

    return parts


def network_rules(direction: str) -> Parts:
    """The rules of a network policy in a direction, together with the pods that it selects."""

    def parts(props: Properties) -> Iterator[Part]:
        selector = known(look, props, "spec", "podSelector")
        for rule in elements(known(look, props, "spec", direction)):
            undecided = isinstance(selector, UnknownValueError)
            yield Part(value=selector if undecided else rule, more=({} if selector is None else selector,))

    return parts
