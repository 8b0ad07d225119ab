"""States as the engine tells them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops.pulumi.state import State, parse_state


def state_of(stack: str, *resources: Mapping[str, Any]) -> State:
    """The state of a stack with these resources."""
    return parse_state(stack, {"deployment": {"resources": list(resources)}})
