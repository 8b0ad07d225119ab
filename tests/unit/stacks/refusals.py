"""One malformed setting of a stack, and what people are told about it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import pytest

from stacks.problems import ConfigurationError, Problem
from stacks.settings import parse_stack

__all__ = ["changed", "refused"]


def changed(good: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return the data with another value at a dotted path; ``...`` removes what is there."""
    data = copy.deepcopy(dict(good))
    *parents, last = path.split("/")
    here: Any = data
    for part in parents:
        here = here[int(part) if isinstance(here, list) else part]
    if value is ...:
        del here[last]
    else:
        here[last] = value
    return data


def refused(key: str, data: Mapping[str, Any]) -> Problem:
    """Return the one problem with a setting."""
    with pytest.raises(ConfigurationError) as refusal:
        parse_stack({key: data}, "Pulumi.dev.yaml")
    (problem,) = refusal.value.problems
    return problem
