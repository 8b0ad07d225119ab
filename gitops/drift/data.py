"""Values of the platform's data files, changed in place: everything else of a file stays as people wrote it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from gitops.drift.finding import Finding
from gitops.pulumi.plan import PropertyChange

__all__ = ["Edit", "Value", "edit_of", "edited", "values"]

_SECRET: Final = "[secret]"  # noqa: S105 - what stands for one
_WORD: Final = re.compile(r"[^a-z0-9]")
_PLAIN: Final = (str, int, float, bool)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One value in one file, from what it is to what reality says."""

    urn: str
    """The resource that it is for."""
    file: str
    """Relative to the checkout."""
    key: str
    """Where in the file, for example ``config.bighpc:testbed.quota.cpu``."""
    old: Any
    new: Any
    start: int
    """Number of the value's first character in the file."""
    end: int
    """Number of the character behind it."""


@dataclass(frozen=True)
class Value:
    """One value of a file."""

    path: tuple[str, ...]
    node: yaml.ScalarNode
    value: Any


def edit_of(directory: Path, files: Sequence[str], finding: Finding) -> list[Edit] | str:
    """Return the changes of data that make the program ask for what is there, or why nobody can tell them.

    A value is found by its key and by what it says. Whether the program makes of it what it seems to, a preview must
    show.

    Args:
        directory: the checkout.
        files: the files that can have the values.
        finding: what was changed by hand.
    """
    if not finding.properties:
        return "nothing says which value it is"
    if not files:
        return "no file of data has its values"
    found = []
    for change in finding.properties:
        edit = _edit(directory, files, finding, change)
        if isinstance(edit, str):
            return edit
        found.append(edit)
    # Several properties can come from one value.
    return [edit for number, edit in enumerate(found) if edit not in found[:number]]


def edited(text: str, edits: Sequence[Edit]) -> str:
    """Return a file's text with the values changed."""
    for edit in sorted(edits, key=lambda each: each.start, reverse=True):
        text = text[: edit.start] + _scalar(edit.new, text[edit.start : edit.end]) + text[edit.end :]
    return text


def _edit(directory: Path, files: Sequence[str], finding: Finding, change: PropertyChange) -> Edit | str:
    if _SECRET in (change.old, change.new):
        return f"{change.path} is a secret"
    if not isinstance(change.old, _PLAIN) or not isinstance(change.new, _PLAIN) or "\n" in str(change.new):
        return f"{change.path} is no single value"
    candidates = [
        (file, value)
        for file in files
        for value in values((directory / file).read_text())
        if _like(value.path[-1]) == _like(_last(change.path)) and str(value.value) == str(change.old)
    ]
    named = [(file, value) for file, value in candidates if _names(finding.name, value.path)]
    candidates = named or candidates
    if len(candidates) != 1:
        where = f"in {len(candidates)} places" if candidates else "in none"
        return f"{change.path} is {json.dumps(change.old, default=str)} {where} of {', '.join(files)}"
    [(file, value)] = candidates
    return Edit(
        urn=finding.urn,
        file=file,
        key=".".join(value.path),
        old=value.value,
        new=_typed(change.new, value.value),
        start=value.node.start_mark.index,
        end=value.node.end_mark.index,
    )


def values(text: str) -> Iterator[Value]:
    """The single values below the keys of a YAML text; none when it is no YAML."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return
    constructor = yaml.SafeLoader("")
    waiting: list[tuple[tuple[str, ...], Any]] = [((), root)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, yaml.MappingNode):
            waiting += [((*path, str(key.value)), value) for key, value in node.value]
        elif isinstance(node, yaml.ScalarNode) and path and node.style not in ("|", ">"):
            yield Value(path, node, constructor.construct_object(node))


def _last(path: str) -> str:
    """The last word of a property path: ``cpu`` of ``spec.hard["requests.cpu"]``."""
    return re.split(r'[.\["\]]+', path.rstrip('"]'))[-1]


def _like(word: str) -> str:
    """A key without what differs between ways to write it."""
    return _WORD.sub("", word.lower())


def _names(name: str, path: Sequence[str]) -> bool:
    """Whether one of the keys above a value is in the resource's name."""
    return any(len(key) > 1 and name.endswith(f"-{key}") for key in path[:-1])


def _typed(new: Any, old: Any) -> Any:
    """The new value as the file has the old one: ``5`` of ``"5"`` where a number stands."""
    if isinstance(old, int) and not isinstance(old, bool) and isinstance(new, str) and new.isdecimal():
        return int(new)
    return str(new) if isinstance(old, str) else new


def _scalar(value: Any, before: str) -> str:
    """A value as YAML, in quotes when the one before was."""
    if isinstance(value, str) and before.startswith('"'):
        return json.dumps(value, ensure_ascii=False)
    style: Mapping[str, Any] = {"default_style": "'"} if before.startswith("'") and isinstance(value, str) else {}
    text: str = yaml.safe_dump([value], default_flow_style=True, width=10**6, allow_unicode=True, **style)
    return text.strip().removeprefix("[").removesuffix("]")
