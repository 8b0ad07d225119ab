"""Which simulated nodes there should be, from what environments declare. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from testbed.cluster.simulated import HOST_LABEL, simulated_node

__all__ = ["HARDWARE_MAP", "LIMIT", "MANAGER", "Declaration", "Observed", "digest_of", "parse", "wanted"]

HARDWARE_MAP = "hardware-profiles"
"""The ConfigMap, in each environment's namespace."""

MANAGER = "bighpc-hardware"
"""Value of the label ``app.kubernetes.io/managed-by`` on the nodes."""

LIMIT = 1000
"""The most nodes that are simulated; more would only slow the machine down."""

_DIGEST = "bighpc.io/hardware-digest"


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """One profile of one environment."""

    environment: str
    profile: str
    nodes: int
    selector: Mapping[str, str]
    labels: Mapping[str, str]
    taints: tuple[Mapping[str, str], ...]
    capacity: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """A node that is there and not simulated."""

    labels: Mapping[str, str]


def parse(environment: str, data: Mapping[str, str]) -> Iterator[Declaration]:
    """Yield the profiles of a map.

    Raises:
        ValueError: naming the profile that is not what the platform writes.
    """
    for profile, text in data.items():
        try:
            facts = json.loads(text)
            yield Declaration(
                environment=environment,
                profile=profile,
                nodes=int(facts["nodes"]),
                selector=dict(facts["selector"]),
                labels=dict(facts["labels"]),
                taints=tuple(dict(taint) for taint in facts["taints"]),
                capacity={name: str(amount) for name, amount in facts["capacity"].items()},
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"profile {profile} of {environment} is not readable: {error!r}") from None


def wanted(
    declarations: Iterable[Declaration], real: Iterable[Observed], limit: int = LIMIT
) -> tuple[dict[str, dict[str, Any]], int]:
    """Return the simulated nodes that make up for the real ones that are missing, by name, and how many are left out.

    A profile that selects one host by its name means a node that is there, or will be, and is never simulated.
    """
    present = list(real)
    nodes: dict[str, dict[str, Any]] = {}
    left_out = 0
    for each in declarations:
        if HOST_LABEL in each.selector:
            continue
        there = sum(1 for node in present if each.selector.items() <= node.labels.items())
        for number in range(max(0, each.nodes - there)):
            if len(nodes) >= limit:
                left_out += 1
                continue
            name = f"{each.environment}-{each.profile}-{number}"
            nodes[name] = _node(name, each)
    return nodes, left_out


def digest_of(node: Mapping[str, Any]) -> str | None:
    """Return by what a node that differs is known; a node's capacity is not changed, it is made anew."""
    annotations = (node.get("metadata") or {}).get("annotations") or {}
    digest: str | None = annotations.get(_DIGEST)
    return digest


def _node(name: str, declaration: Declaration) -> dict[str, Any]:
    labels = {
        **declaration.labels,
        "app.kubernetes.io/managed-by": MANAGER,
        "bighpc.io/environment": declaration.environment,
    }
    node = simulated_node(name, labels=labels, capacity=declaration.capacity, taints=declaration.taints)
    text = json.dumps(node, sort_keys=True)
    node["metadata"]["annotations"][_DIGEST] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return node
