"""What checking hardware costs: as many profiles as a large centre has nodes, beside reading the same data alone.

``python -m bench.hardware``: 10,000 profiles of one node each, every field set, checked as ``pulumi up`` checks them.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from rich.console import Console

from bench.pairs import Pair, Way
from components.kubernetes.quotas import quotas
from stacks.settings import StackSettings, parse_stack

__all__ = ["main"]

LARGEST_SECONDS = 2.0
"""The longest that checking 10,000 nodes' worth of profiles may take."""


def profiles(many: int) -> dict[str, Any]:
    """Return so many profiles, as a stack file has them."""
    return {
        f"rack-{number}": {
            "nodes": 1,
            "cores": 64,
            "memory": "256Gi",
            "accelerators": {"count": 4, "resource": "nvidia.com/gpu", "model": "a100"},
            "interconnect": "infiniband",
            "labels": {"site.example.org/rack": f"r{number}"},
            "taints": [{"key": "site.example.org/batch", "value": "yes", "effect": "NoSchedule"}],
        }
        for number in range(many)
    }


def main(arguments: list[str] | None = None) -> int:
    """Measure.

    Returns:
        0, or 1 when it took too long.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.hardware", description=__doc__)
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(arguments)
    raw = {"testbed": {"hardware": profiles(options.nodes)}}
    text, console = json.dumps(raw), Console(stderr=True)

    def check() -> StackSettings:
        return parse_stack(raw, "Pulumi.dev.yaml")

    testbed = check().testbed
    quotas(testbed.quota, testbed.hardware, "dev")
    pair = Pair(
        name=f"{options.nodes} profiles",
        plain=Way("read as JSON", lambda: json.loads(text)),
        ours=Way("checked", check),
        largest=float("inf"),
    )
    pair.measure(options.runs, console)
    took = f"{pair.ours.median:.2f} s (at most {LARGEST_SECONDS:.0f})"
    Console().print(f"{pair.name}: {took}, {pair.ratio:.0f} times reading them as JSON")
    return int(pair.ours.median > LARGEST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
