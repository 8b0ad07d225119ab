"""Services with upstream's names, by which pods reach the metrics of what runs beside the cluster here."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from typing import Any

from testbed.context import Context
from testbed.probes import http_probe
from testbed.processes import Kind, Process

__all__ = ["metrics_relay", "metrics_services"]

_RELAY = "metrics-relay"
_ARGOCD = (
    ("argocd-metrics", 8082, "argocd-application-controller"),
    ("argocd-server-metrics", 8083, "argocd-server-metrics"),
    ("argocd-repo-server", 8084, "argocd-repo-server-metrics"),
)
_OPERATOR = (("pulumi-kubernetes-operator-metrics", 8383, "operator-metrics"),)
"""Each: the service's name and port in upstream's installation, and the name of the port on this machine."""
_KUBELET = 10250


def metrics_relay(context: Context) -> list[Process]:
    """What answers those services on the testbed's link; nothing without a real node, as no pod runs to call them."""
    if not context.real_node:
        return []
    address = f"{context.address}:{context.ports[_RELAY]}"
    services = (f"{name}={context.ports[local]}" for name, _, local in (*_ARGOCD, *_OPERATOR))
    relay = Process(
        name=_RELAY,
        kind=Kind.DOUBLE,
        version=importlib.metadata.version("bighpc"),
        command=(sys.executable, "-m", "testbed.delivery.relay", f"--listen={address}", *services),
        probe=http_probe(f"http://{address}/healthz"),
    )
    return [relay]


def metrics_services(context: Context, *, argocd: str, operator: str) -> Iterator[dict[str, Any]]:
    """Yield a Service and its EndpointSlice for each; nothing without a real node.

    Args:
        context: the testbed.
        argocd: Argo CD's namespace.
        operator: the operator's namespace.
    """
    if not context.real_node:
        return
    for namespace, services in ((argocd, _ARGOCD), (operator, _OPERATOR)):
        for name, port, _ in services:
            yield from _service(name, namespace, port, context.address, context.ports[_RELAY])
    # What the Prometheus operator keeps elsewhere: the kubelets of all nodes that have one, by a name in DNS.
    yield from _service("kubelet", "kube-system", _KUBELET, context.network.node, _KUBELET, clusterIP="None")


def _service(name: str, namespace: str, port: int, address: str, target: int, **more: Any) -> Iterator[dict[str, Any]]:
    labels = {"app.kubernetes.io/managed-by": "bighpc-testbed", "kubernetes.io/service-name": name}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    spec = {"ports": [{"name": "metrics", "port": port, "targetPort": target}], **more}
    yield {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
    yield {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata,
        "addressType": "IPv4",
        "ports": [{"name": "metrics", "port": target}],
        "endpoints": [{"addresses": [address]}],
    }
