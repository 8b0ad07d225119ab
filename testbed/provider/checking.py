"""What a program may ask for: is every property known, is everything needed there, is every value possible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from testbed.provider.codecs import INTEGER
from testbed.provider.model import Property, Resource
from testbed.provider.values import UNKNOWN, Properties, has_unknown, plain

__all__ = ["Failure", "check", "coerce", "complete_name"]

_SUFFIX_BYTES = 4  # of randomness in an invented name: seven hexadecimal digits are used of it
_NAME_LIMIT = 255


@dataclass(frozen=True)
class Failure:
    """Why a property cannot be used."""

    property: str
    reason: str


def check(resource: Resource, given: Properties) -> Iterator[Failure]:
    """Everything wrong with the inputs of a resource; no message contains a value that may be secret."""
    for name in given:
        if name not in resource.by_name or not resource.by_name[name].input:
            yield Failure(name, _explain(resource, name))
    for item in resource.inputs:
        value = plain(given.get(item.name))
        if value is None:
            if item.required:
                yield Failure(item.name, f"missing: a {resource.name} needs it")
        elif not has_unknown(value):
            reason = _refuse(item, value)
            if reason:
                yield Failure(item.name, reason)


def _refuse(item: Property, value: Any) -> str | None:
    if item.choices and value not in item.choices:
        return f"must be one of {', '.join(item.choices)}" + ("" if item.secret else f", not {value!r}")
    try:
        item.codec.encode(value)
    except (TypeError, ValueError) as error:
        return "has a value that GitLab cannot take" if item.secret else str(error)
    return None


def _explain(resource: Resource, name: str) -> str:
    if name in resource.unsupported:
        return (
            f"the embedded testbed's GitLab provider does not support it on a {resource.name}: leave it out there, or "
            "install the published provider plugin"
        )
    if name in resource.by_name:
        return f"GitLab alone sets it: a {resource.name} only reports it"
    known = ", ".join(sorted(item.name for item in resource.inputs))
    return f"a {resource.name} has no such property; it has {known}"


def coerce(resource: Resource, given: Properties) -> Properties:
    """The inputs with numbers where the schema has numbers: ids of other resources come as strings."""
    numbers = {item.name for item in resource.inputs if item.codec is INTEGER}
    return {
        name: int(value) if name in numbers and isinstance(value, str) and value.isdecimal() else value
        for name, value in given.items()
    }


def complete_name(resource: Resource, urn: str, given: Properties, before: Properties, seed: bytes) -> Properties:
    """The inputs with a name: the one it had before, else one made from the resource's name in the program."""
    item = resource.by_name.get("name")
    if item is None or not item.input or given.get("name") is not None:
        return given
    earlier = before.get("name")
    if earlier is not None and plain(earlier) != UNKNOWN:
        return given | {"name": earlier}
    suffix = seed[:_SUFFIX_BYTES].hex()[:7]
    stem = urn.rpartition("::")[2][: _NAME_LIMIT - len(suffix) - 1]
    return given | {"name": f"{stem}-{suffix}"}
