"""Archetypes: what projects have in common, and how a project's own file goes over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from components.gitlab.project_spec import GitLabProjectSpec
from stacks.documents import validate
from stacks.problems import Collector, ConfigurationError, show

__all__ = ["merged", "resolve_archetypes"]


def resolve_archetypes(raw: Mapping[str, Any], where: str, collector: Collector) -> dict[str, dict[str, Any]]:
    """Return the archetypes that are right, each with what it extends merged in.

    Args:
        raw: the archetypes as their file has them.
        where: the file.
        collector: gets the problems of the others.
    """
    resolved: dict[str, dict[str, Any]] = {}
    for name in raw:
        complete = collector.attempt(_resolve, name, raw, where, ())
        if complete is None:
            continue
        if collector.attempt(validate, GitLabProjectSpec, {**complete, "name": "any"}, f"{where}, {name}"):
            resolved[name] = complete
    return resolved


def _resolve(name: str, raw: Mapping[str, Any], where: str, below: Sequence[str]) -> dict[str, Any]:
    own = raw[name]
    rule = "an archetype is a mapping, and extends another one at most, never itself in a circle"
    if not isinstance(own, dict):
        raise ConfigurationError.of(f"{where}, {name}", f"value {show(own)}", rule, "write a mapping")
    parent = own.get("extends")
    if parent is None:
        return dict(own)
    if parent in below or parent == name or parent not in raw:
        others = ", ".join(sorted(set(raw) - {name, *below}))
        raise ConfigurationError.of(f"{where}, {name}.extends", f"value {show(parent)}", rule, f"use one of: {others}")
    inherited = _resolve(str(parent), raw, where, (*below, name))
    return merged(inherited, {key: value for key, value in own.items() if key != "extends"})


def merged(base: Mapping[str, Any], delta: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base with the delta over it: mappings merge, everything else is replaced."""
    result = dict(base)
    for key, value in delta.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result
