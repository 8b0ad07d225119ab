"""Configuration files: reading the YAML, and filling in ``spec: inputs``."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from testbed.gitlab.pipelines.patterns import PatternError, search
from testbed.gitlab.pipelines.variables import expand

__all__ = ["ConfigurationError", "Reference", "read"]

LARGEST_FILE = 2 * 1024 * 1024
"""Bytes of one file."""

MOST_NODES = 200_000
"""Values in one file once its aliases are followed."""

DEEPEST = 100

_FORBIDDEN_KEYS = frozenset({"referenceData", "__proto__", "constructor", "prototype"})
"""Names that mean something to the program that expands configurations."""


class ConfigurationError(ValueError):
    """A configuration that GitLab would refuse; the message is GitLab's."""


@dataclass(frozen=True)
class Reference:
    """``!reference [a, b]``."""

    path: tuple[str, ...]


class _Loader(yaml.SafeLoader):
    """YAML as GitLab reads it: with references, and dates as plain text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _reference(loader: yaml.SafeLoader, node: yaml.Node) -> Reference:
    if not isinstance(node, yaml.SequenceNode):
        raise ConfigurationError("!reference must be a list of keys")
    return Reference(tuple(str(each) for each in loader.construct_sequence(node)))


_Loader.add_constructor("!reference", _reference)


def read(text: str, path: str, inputs: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """A configuration file, its inputs filled in.

    Args:
        text: the file's content.
        path: its name, for messages.
        inputs: values for its ``spec: inputs``.
        variables: for the function ``expand_vars``.

    Raises:
        ConfigurationError: when it is no YAML, no mapping, too big, or its inputs do not fit.
    """
    documents = _documents(text, path)
    header = documents[0] if len(documents) > 1 else {}
    body = documents[-1] if documents else {}
    if not isinstance(body, dict) or not isinstance(header, dict):
        raise ConfigurationError(f"`{path}`: Invalid configuration format")
    if len(documents) > 2 or (len(documents) == 2 and set(header) != {"spec"}):
        raise ConfigurationError(f"`{path}`: Invalid configuration format")
    declared = (header.get("spec") or {}).get("inputs") or {}
    values = _values(declared, inputs, path)
    filled = _Filler(values, variables, path).fill(body) if declared else body
    return {str(key): value for key, value in filled.items()}


def _documents(text: str, path: str) -> list[Any]:
    if len(text.encode()) > LARGEST_FILE:
        raise ConfigurationError(f"`{path}`: The parsed YAML is too big")
    try:
        documents = list(yaml.load_all(text, _Loader))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigurationError(f"`{path}`: {_complaint(error)}") from None
    nodes = (each for document in documents for each in _walk(document, 0, path))
    for count, _ in enumerate(nodes):
        if count > MOST_NODES:
            raise ConfigurationError(f"`{path}`: The parsed YAML is too big")
    return documents


def _complaint(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"Invalid configuration format: {problem}" + (f" at line {mark.line + 1}" if mark else "")


def _walk(value: Any, depth: int, path: str) -> Iterator[Any]:
    if depth > DEEPEST:
        raise ConfigurationError(f"`{path}`: The parsed YAML is too deep")
    yield value
    if isinstance(value, dict):
        for key, each in value.items():
            if key in _FORBIDDEN_KEYS:
                raise ConfigurationError(f"`{path}`: key {key!r} cannot be used")
            yield from _walk(each, depth + 1, path)
    elif isinstance(value, list):
        for each in value:
            yield from _walk(each, depth + 1, path)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
}


def _values(declared: Mapping[str, Any], given: Mapping[str, Any], path: str) -> dict[str, Any]:
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise ConfigurationError(f"`{path}`: unknown input arguments: {', '.join(unknown)}")
    problems, values = [], {}
    for name, facts in declared.items():
        specification = facts or {}
        value = given.get(name, specification.get("default"))
        required = name not in given and "default" not in specification
        complaint = _MISSING if required else _input_complaint(specification, value)
        if complaint:
            problems.append(f"`{name}` input: {complaint}")
        values[name] = value
    if problems:
        raise ConfigurationError(f"`{path}`: {', '.join(problems)}")
    return values


_MISSING = "required value has not been provided"


def _input_complaint(specification: Mapping[str, Any], value: Any) -> str | None:
    kind = specification.get("type", "string")
    if kind not in _TYPES:
        return f"unknown input specification type: {kind}"
    if not _TYPES[kind](value):
        return f"provided value is not {'an' if kind == 'array' else 'a'} {kind}"
    options = specification.get("options")
    if options is not None and value not in options:
        return f"`{value}` cannot be used because it is not in the list of allowed options"
    pattern = specification.get("regex")
    try:
        if pattern is not None and not search(str(pattern), str(value)):
            return "provided value does not match required RegEx pattern"
    except PatternError:
        return "the given regular expression is invalid"
    return None


_BLOCK = re.compile(r"\$\[\[\s*(?P<access>[\w.-]+)\s*(?P<functions>(?:\|[^\]|]*)*)\]\]")
_FUNCTION = re.compile(r"(?P<name>\w+)(?:\((?P<arguments>[\d\s,]*)\))?")
_MOST_FUNCTIONS = 3


class _Filler:
    """Replaces ``$[[ inputs.name | function ]]``."""

    def __init__(self, values: Mapping[str, Any], variables: Mapping[str, str], path: str) -> None:
        self._values = values
        self._variables = variables
        self._path = path

    def fill(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {self._text(key) if isinstance(key, str) else key: self.fill(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.fill(each) for each in value]
        if isinstance(value, Reference):
            return Reference(tuple(str(self._text(each)) for each in value.path))
        return self._scalar(value) if isinstance(value, str) else value

    def _scalar(self, text: str) -> Any:
        whole = _BLOCK.fullmatch(text.strip())
        return self._block(whole) if whole else self._text(text)

    def _text(self, text: str) -> str:
        return _BLOCK.sub(lambda match: _plain(self._block(match)), text)

    def _block(self, match: re.Match[str]) -> Any:
        prefix, _, name = match["access"].partition(".")
        if prefix != "inputs" or name not in self._values:
            raise ConfigurationError(f"`{self._path}`: unknown interpolation key: `{name or prefix}`")
        functions = [each.strip() for each in match["functions"].split("|") if each.strip()]
        if len(functions) > _MOST_FUNCTIONS:
            raise ConfigurationError(f"`{self._path}`: too many functions in interpolation block")
        value = self._values[name]
        for function in functions:
            value = self._apply(function, value)
        return value

    def _apply(self, function: str, value: Any) -> str:
        call = _FUNCTION.fullmatch(function)
        arguments = [int(each) for each in (call["arguments"] or "").split(",") if each.strip()] if call else []
        match (call["name"] if call else function, arguments):
            case "expand_vars", []:
                return expand(_plain(value), self._variables)
            case "truncate", [offset, length]:
                return _plain(value)[offset : offset + length]
            case "posix_escape", []:
                return shlex.quote(_plain(value))
            case _:
                raise ConfigurationError(f"`{self._path}`: no function matching `{function}`: check that it exists")


def _plain(value: Any) -> str:
    """A value in the middle of a text."""
    return value if isinstance(value, str) else json.dumps(value)
