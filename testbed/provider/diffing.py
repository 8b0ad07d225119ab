"""What differs between what is recorded and what a program wants, and whether that needs a new object."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, unique
from typing import Any

from testbed.provider.lifecycle import Call
from testbed.provider.model import Property
from testbed.provider.values import has_unknown

__all__ = ["Change", "Kind", "changes"]


@unique
class Kind(Enum):
    """What happens to a property."""

    ADD = "ADD"
    DELETE = "DELETE"
    UPDATE = "UPDATE"


@dataclass(frozen=True)
class Change:
    """One difference."""

    property: str
    path: str
    """Where exactly, such as ``lists[0].labelId``."""
    kind: Kind
    replaces: bool


def changes(call: Call, ignored: frozenset[str] = frozenset()) -> list[Change]:
    """All differences between what is recorded and what the program wants, but for what it wants ignored."""
    found = []
    for item in call.resource.inputs:
        if item.name not in ignored:
            replaces = item.replaces or not call.resource.update
            found += [Change(item.name, path, kind, replaces) for path, kind in _compare(call, item)]
    present = {change.property for change in found}
    found += [
        Change(name, name, Kind.UPDATE, True)
        for name in call.resource.lifecycle.replaces(call)
        if name not in present and name not in ignored
    ]
    return found


def _compare(call: Call, item: Property) -> Iterator[tuple[str, Kind]]:
    wanted = call.wanted(item.name)
    recorded = call.recorded.get(item.name)
    if not has_unknown(wanted) and not call.changed(item.name):
        return
    if recorded is None:
        yield item.name, Kind.ADD
    else:
        yield from _descend(item.name, wanted, recorded)


def _descend(path: str, wanted: Any, recorded: Any) -> Iterator[tuple[str, Kind]]:
    """Where two values differ; only fields that the program sets count inside objects."""
    if isinstance(wanted, dict) and isinstance(recorded, dict):
        for name, value in wanted.items():
            if name not in recorded:
                yield f"{path}.{name}", Kind.ADD
            elif value != recorded[name]:
                yield from _descend(f"{path}.{name}", value, recorded[name])
    elif isinstance(wanted, list) and isinstance(recorded, list):
        for index in range(max(len(wanted), len(recorded))):
            place = f"{path}[{index}]"
            if index >= len(recorded):
                yield place, Kind.ADD
            elif index >= len(wanted):
                yield place, Kind.DELETE
            elif wanted[index] != recorded[index]:
                yield from _descend(place, wanted[index], recorded[index])
    else:
        yield path, Kind.UPDATE
