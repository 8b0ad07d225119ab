"""Which stacks a change can touch, told from the files that it changes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

import grimp

from gitops.pulumi.stacks import stacks_of

__all__ = ["Impact", "impact"]

_ENTRY: Final = "__main__.py"
"""What it imports, and what these import, is the program."""
_EVERYTHING: Final = {
    "Pulumi.yaml": "the project file",
    _ENTRY: "the program's start",
    "requirements.txt": "the packages that the program runs with",
    "stacks/applications/*": "data of applications",
}
_FORGE: Final = {
    "stacks/*.yaml": "data of the forge",
    "stacks/projects/*": "data of the forge",
    "pipelines/*": "what the forge publishes",
}
_POLICIES: Final = "policies/*"
_PACKAGES: Final = ("stacks", "components")


@dataclass(frozen=True, kw_only=True)
class Impact:
    """Whether a stack must be previewed."""

    stack: str
    because: str
    """A reason that fits behind "affected, because" or "not affected, because"."""
    affected: bool


def impact(directory: Path, changed: Sequence[str]) -> list[Impact]:
    """Say for each stack whether the changed files can touch it, and why.

    Args:
        directory: the checkout, with the change in it.
        changed: paths relative to it, with slashes; those of removed files too.
    """
    program = _program(directory) if any(path.endswith(".py") for path in changed) else frozenset[str]()
    if program is None:
        # Nobody can tell what a module is used by when one of them cannot be read.
        program = frozenset(_module(path) for path in changed if path.split("/", maxsplit=1)[0] in _PACKAGES)
    found = []
    for stack, owner in stacks_of(directory).items():
        reasons = list(dict.fromkeys(_reasons(directory, stack, owner=owner, changed=changed, program=program)))
        because = "; ".join(reasons) or _untouched(changed)
        found.append(Impact(stack=stack, affected=bool(reasons), because=because))
    return found


def _reasons(
    directory: Path, stack: str, *, owner: bool, changed: Iterable[str], program: frozenset[str]
) -> Iterable[str]:
    for path in changed:
        if path == f"Pulumi.{stack}.yaml":
            yield f"its settings changed (`{path}`)"
        elif path.endswith(".py") and (_module(path) in program or _removed(directory, path)):
            yield f"the program changed (`{path}`)"
        elif fnmatchcase(path, _POLICIES):
            yield "the policies changed"
        else:
            for pattern, what in _EVERYTHING.items():
                if fnmatchcase(path, pattern):
                    yield f"{what} changed (`{path}`)"
            for pattern, what in _FORGE.items():
                if owner and fnmatchcase(path, pattern):
                    yield f"it owns the forge, and {what} changed (`{path}`)"


def _untouched(changed: Sequence[str]) -> str:
    if not changed:
        return "no file changed"
    return "neither its settings nor the program nor its data changed"


def _program(directory: Path) -> frozenset[str] | None:
    """Names of the modules that the program consists of; None when a syntax error hides what it imports."""
    if not all((directory / package).is_dir() for package in _PACKAGES):
        return frozenset()
    try:
        graph = grimp.build_graph(*_PACKAGES, cache_dir=None)
        entries = _imports(directory / _ENTRY) & graph.modules
    except (grimp.exceptions.SourceSyntaxError, SyntaxError):
        return None
    return frozenset(entries.union(_PACKAGES, *(graph.find_upstream_modules(entry) for entry in entries)))


def _imports(file: Path) -> set[str]:
    """Names of what a module imports."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}


def _removed(directory: Path, path: str) -> bool:
    """Whether a module of the program's packages is gone; nobody can tell any more who used it."""
    return path.split("/", maxsplit=1)[0] in _PACKAGES and not (directory / path).exists()


def _module(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
