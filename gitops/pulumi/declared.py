"""Where the program declares a resource: the component, the lines that make it, and the files with its data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gitops.errors import CommandError
from gitops.pulumi.plan import short_type
from gitops.pulumi.stacks import configuration

__all__ = ["Declaration", "declaration"]

_COMPONENTS: Final = "components"
_COMPOSITION: Final = "stacks"
_CLASS: Final = re.compile(r"^class (\w+)\(")
_STACK: Final = "pulumi:pulumi:Stack"


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What in the checkout a resource comes from; empty where nothing was found."""

    component: str
    """Type and name of the innermost component, for example ``Testbed testbed``."""
    code: tuple[str, ...]
    """Places as ``file:line``: the component, what makes the resource in it, and where the program uses it."""
    data: tuple[str, ...]
    """Files with its values, relative to the checkout."""


def declaration(directory: Path, urn: str, parents: Mapping[str, str]) -> Declaration:
    """Return where a resource is declared, as far as its address and the text of the program tell.

    Args:
        directory: the checkout.
        urn: the resource's address.
        parents: every address to that of its component.

    Raises:
        OSError: when a file of the checkout cannot be read.
    """
    lineage = [each for each in _lineage(urn, parents) if _type(each) != _STACK]
    if not lineage:
        return Declaration(component="", code=(), data=_data(directory, _stack(urn), [urn]))
    inner = lineage[0]
    return Declaration(
        component=f"{short_type(_type(inner))} {_name(inner)}",
        code=tuple(_code(directory, _type(inner), short_type(_type(urn)))),
        data=_data(directory, _stack(urn), lineage),
    )


def _lineage(urn: str, parents: Mapping[str, str]) -> Iterator[str]:
    """The components that a resource belongs to, the innermost first."""
    while above := parents.get(urn):
        yield above
        urn = above


def _code(directory: Path, component: str, kind: str) -> Iterator[str]:
    for file, lines in _sources(directory, _COMPONENTS):
        if not any(f'"{component}"' in line for line in lines):
            continue
        name = ""
        for number, line in enumerate(lines, 1):
            found = _CLASS.match(line)
            name = found[1] if found else name
            if f'"{component}"' in line:
                yield f"{file}:{number}"
                break
        yield from _calls(directory, Path(file).parent.as_posix(), kind)
        if name:
            yield from _calls(directory, _COMPOSITION, name)
        return


def _calls(directory: Path, folder: str, name: str) -> Iterator[str]:
    """Where something of that name is made."""
    call = re.compile(rf"(?<!class )\b{re.escape(name)}\($")
    for file, lines in _sources(directory, folder):
        yield from (f"{file}:{number}" for number, line in enumerate(lines, 1) if call.search(line.rstrip()))


def _sources(directory: Path, folder: str) -> Iterator[tuple[str, list[str]]]:
    for file in sorted((directory / folder).rglob("*.py")):
        yield file.relative_to(directory).as_posix(), file.read_text().splitlines()


def _data(directory: Path, stack: str, components: Iterable[str]) -> tuple[str, ...]:
    """The files that are named after the components, and the stack's own where it speaks of one of them."""
    wanted: dict[str, None] = {}
    try:
        settings = configuration(directory, stack)
    except (CommandError, FileNotFoundError):
        settings = {}
    for each in components:
        name, kind = _name(each), short_type(_type(each)).lower()
        wanted |= dict.fromkeys(f"stacks/{folder}/{name}.yaml" for folder in ("projects", "applications"))
        wanted |= dict.fromkeys((f"stacks/{kind}.yaml", f"stacks/{kind}s.yaml"))
        if f"bighpc:{name}" in settings or f"bighpc:{kind}" in settings:
            wanted[f"Pulumi.{stack}.yaml"] = None
    return tuple(file for file in wanted if (directory / file).is_file())


def _stack(urn: str) -> str:
    return urn.split("::", 1)[0].rpartition(":")[2]


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _name(urn: str) -> str:
    return urn.split("::", 3)[-1]
