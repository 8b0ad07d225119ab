"""A node with nothing behind it: pods that tolerate its taints become Running without a container. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["HOST_LABEL", "SIMULATED_LABEL", "simulated_node"]

SIMULATED_LABEL = "kwok.x-k8s.io/node"
"""Label, annotation and taint of simulated nodes, all with the value ``fake``."""

HOST_LABEL = "kubernetes.io/hostname"


def simulated_node(
    name: str,
    *,
    labels: Mapping[str, str],
    capacity: Mapping[str, str],
    taints: Iterable[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """Return a simulated compute node.

    Args:
        name: its name.
        labels: those beside the ones that every simulated node has.
        capacity: its resources, all of which pods may use.
        taints: by default one that keeps away what is meant to really run.
    """
    fake = {"key": SIMULATED_LABEL, "value": "fake", "effect": "NoSchedule"}
    resources = {"ephemeral-storage": "1Ti", **capacity}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {SIMULATED_LABEL: "fake", "node.alpha.kubernetes.io/ttl": "0"},
            "labels": {
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                **labels,
                SIMULATED_LABEL: "fake",
                "type": "kwok",
                HOST_LABEL: name,
                "node-role.kubernetes.io/simulated": "",
            },
        },
        "spec": {"taints": [dict(taint) for taint in taints] or [fake]},
        "status": {"capacity": resources, "allocatable": resources},
    }
