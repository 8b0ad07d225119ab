"""The cluster's nodes, real and simulated, as Kubernetes sees them."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass

from lightkube.models.core_v1 import Node as NodeModel
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import Node

from testbed.cluster.objects import reached
from testbed.context import Context
from testbed.processes import NotReadyError

__all__ = ["NODE_NAME", "NodeState", "await_nodes", "node_states"]

NODE_NAME = "testbed-0"
"""The real node."""

_LEASES = "kube-node-lease"
_SILENCE = 25.0
"""Seconds without a sign of life, which a kubelet gives every ten, after which "Ready" is yesterday's news."""


@dataclass(frozen=True, kw_only=True)
class NodeState:
    """What is known of one node."""

    name: str
    version: str
    obstacle: str
    """Why it is not Ready, or nothing."""


def node_states(context: Context) -> dict[str, NodeState]:
    """Every node of the cluster by name.

    Raises:
        NotReadyError: when the API server does not answer.
    """
    with reached(context) as api:
        states = {state.name: state for node in api.list(Node) if (state := _state(node)) is not None}
        real = states.get(NODE_NAME)
        if real is not None and not real.obstacle:
            silence = _silence(api.get(Lease, NODE_NAME, namespace=_LEASES))
            if silence > _SILENCE:
                obstacle = f"its kubelet has given no sign of life for {silence:.0f} s"
                states[NODE_NAME] = NodeState(name=NODE_NAME, version=real.version, obstacle=obstacle)
    return states


def await_nodes(context: Context, names: Iterable[str]) -> None:
    """Return when all these nodes are Ready.

    Raises:
        NotReadyError: naming one that is not.
    """
    states = node_states(context)
    for name in names:
        obstacle = states[name].obstacle if name in states else "not registered yet"
        if obstacle:
            raise NotReadyError(f"node {name}: {obstacle}")


def _state(node: NodeModel) -> NodeState | None:
    if node.metadata is None or node.metadata.name is None or node.status is None:
        return None
    ready = next((condition for condition in node.status.conditions or [] if condition.type == "Ready"), None)
    obstacle = "" if ready and ready.status == "True" else (ready and ready.message) or "no status yet"
    version = node.status.nodeInfo.kubeletVersion if node.status.nodeInfo else ""
    return NodeState(name=node.metadata.name, version=version, obstacle=obstacle)


def _silence(lease: Lease) -> float:
    renewed = lease.spec and lease.spec.renewTime
    return (datetime.datetime.now(datetime.UTC) - renewed).total_seconds() if renewed else float("inf")
