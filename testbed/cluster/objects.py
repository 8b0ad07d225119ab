"""What must be in the cluster before its services can work: their permissions, the DNS service, simulated nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from lightkube import ApiError, Client, KubeConfig, codecs
from lightkube.resources.core_v1 import Node

from testbed.cluster.hardware.nodes import HARDWARE_MAP
from testbed.cluster.simulated import SIMULATED_LABEL, simulated_node
from testbed.context import Context
from testbed.gitlab.kas.agents import SERVICE_ACCOUNT, TOKEN_SECRET
from testbed.processes import NotReadyError

__all__ = [
    "AGENT_SERVER_USER",
    "GATEWAY_USER",
    "HARDWARE_USER",
    "HUB_SERVICE",
    "POLICIES_USER",
    "PROVISIONER",
    "STORAGE_CLASS",
    "VOLUMES_USER",
    "apply_all",
    "cluster_objects",
    "prepare_cluster",
    "reached",
    "simulated_names",
]

AGENT_SERVER_USER = "bighpc:gitlab-kas"
"""As whom the double's agent server looks for agents in the cluster."""

GATEWAY_USER = "bighpc:gateway"
"""As whom the gateway asks where a user interface's Service is."""

HUB_SERVICE = "proxy-public"
"""The Service that it asks for: JupyterHub's."""

HARDWARE_USER = "bighpc:hardware-simulator"
"""As whom the simulator of hardware reads what there should be, and keeps nodes."""

POLICIES_USER = "bighpc:network-policies"
"""As whom the controller of network policies looks at the cluster."""

VOLUMES_USER = "bighpc:local-volumes"
"""As whom the provisioner of volumes looks at claims."""

STORAGE_CLASS = "local"
"""The default one: volumes that are directories of this machine."""

PROVISIONER = "bighpc.test/local-volumes"
"""Who makes the volumes of that class."""

_MANAGER = "bighpc-testbed"
_MANAGED = {"app.kubernetes.io/managed-by": _MANAGER}
_CAPACITY = {"cpu": "64", "memory": "256Gi", "pods": "110"}
"""Of a simulated node that stands for no hardware profile."""


@contextmanager
def reached(context: Context) -> Iterator[Client]:
    """A Kubernetes client with the administrator's rights.

    Raises:
        NotReadyError: instead of whatever goes wrong between it and the API server.
    """
    config = KubeConfig.from_file(str(context.admin_kubeconfig()))
    try:
        with Client(config=config.get(), field_manager=_MANAGER, trust_env=False) as api:
            yield api
    except (ApiError, httpx2.HTTPError) as error:
        raise NotReadyError(f"API server: {error or type(error).__name__}") from None


def apply_all(api: Client, objects: Iterable[dict[str, Any]]) -> None:
    """Apply objects server-side; those that are there already are brought to the wanted state."""
    for content in objects:
        api.apply(codecs.from_dict(content), force=True)


def prepare_cluster(context: Context) -> None:
    """Put the cluster's own objects in place and make the number of simulated nodes right.

    Raises:
        NotReadyError: when the API server does not take them now.
    """
    with reached(context) as api:
        apply_all(api, cluster_objects(context))
        wanted = set(simulated_names(context))
        # Those of the hardware that environments declare are not ours to remove.
        nodes = api.list(Node, labels={SIMULATED_LABEL: "fake", **_MANAGED})
        present = {node.metadata.name for node in nodes if node.metadata and node.metadata.name}
        for name in sorted(present - wanted):
            api.delete(Node, name)
        apply_all(api, (simulated_node(name, labels=_MANAGED, capacity=_CAPACITY) for name in sorted(wanted - present)))


def simulated_names(context: Context) -> list[str]:
    """The names of the simulated nodes."""
    return [f"simulated-{number}" for number in range(context.simulated_nodes)]


def cluster_objects(context: Context) -> list[dict[str, Any]]:
    """Everything but nodes, as Kubernetes objects."""
    objects = [
        _binding("bighpc-kubelet-api", "system:kubelet-api-admin", "kube-apiserver-kubelet-client"),
        _role(
            "bighpc-kwok",
            [
                _rule([""], ["nodes"], ["get", "list", "watch", "patch", "update"]),
                _rule([""], ["nodes/status", "pods/status"], ["patch", "update"]),
                _rule([""], ["pods"], ["get", "list", "watch", "patch", "update", "delete"]),
                _rule(["coordination.k8s.io"], ["leases"], ["get", "list", "watch", "create", "patch", "update"]),
                _rule(["", "events.k8s.io"], ["events"], ["create", "patch", "update"]),
            ],
        ),
        _binding("bighpc-kwok", "bighpc-kwok", "bighpc:kwok"),
        _role(
            "bighpc-hardware-simulator",
            [
                {**_rule([""], ["configmaps"], ["list"]), "resourceNames": [HARDWARE_MAP]},
                _rule([""], ["nodes"], ["list", "create", "delete"]),
            ],
        ),
        _binding("bighpc-hardware-simulator", "bighpc-hardware-simulator", HARDWARE_USER),
        *_agent_server_objects(),
    ]
    if not context.real_node:
        return objects
    return [*objects, *_gateway_objects(), *_policy_objects(), *_volume_objects(), *_dns_objects(context)]


def _agent_server_objects() -> list[dict[str, Any]]:
    """The agent server finds agents by one name, and gets tokens of one account; RBAC takes lists by name for that."""
    return [
        _role(
            "bighpc-gitlab-kas",
            [
                {**_rule([""], ["secrets"], ["list"]), "resourceNames": [TOKEN_SECRET]},
                {**_rule([""], ["serviceaccounts/token"], ["create"]), "resourceNames": [SERVICE_ACCOUNT]},
            ],
        ),
        _binding("bighpc-gitlab-kas", "bighpc-gitlab-kas", AGENT_SERVER_USER),
    ]


def _gateway_objects() -> list[dict[str, Any]]:
    """The gateway looks up one name of Service, wherever it is."""
    name = "bighpc-gateway"
    rule = {**_rule([""], ["services"], ["get"]), "resourceNames": [HUB_SERVICE]}
    return [_role(name, [rule]), _binding(name, name, GATEWAY_USER)]


def _policy_objects() -> list[dict[str, Any]]:
    """The controller of network policies looks, and changes nothing."""
    watched = [
        _rule([""], ["pods", "namespaces"], ["list", "watch"]),
        _rule(["networking.k8s.io"], ["networkpolicies"], ["list", "watch"]),
    ]
    name = "bighpc-network-policies"
    return [_role(name, watched), _binding(name, name, POLICIES_USER)]


def _volume_objects() -> list[dict[str, Any]]:
    """A volume is made where the scheduler puts its pod, so not before there is one."""
    return [
        _binding("bighpc-local-volumes", "system:persistent-volume-provisioner", VOLUMES_USER),
        {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {
                "name": STORAGE_CLASS,
                "labels": _MANAGED,
                "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
            },
            "provisioner": PROVISIONER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "WaitForFirstConsumer",
        },
    ]


def _dns_objects(context: Context) -> list[dict[str, Any]]:
    """CoreDNS runs on the host, so its service has no selector and its endpoint is written down here."""
    watched = [
        _rule([""], ["endpoints", "services", "pods", "namespaces"], ["list", "watch"]),
        _rule(["discovery.k8s.io"], ["endpointslices"], ["list", "watch"]),
    ]
    labels = {**_MANAGED, "k8s-app": "kube-dns"}
    target = context.ports["coredns"]
    protocols = {"dns": "UDP", "dns-tcp": "TCP"}
    return [
        _role("bighpc-coredns", watched),
        _binding("bighpc-coredns", "bighpc-coredns", "bighpc:coredns"),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": labels},
            "spec": {
                "clusterIP": context.network.dns,
                "ports": [{"name": name, "port": 53, "protocol": value} for name, value in protocols.items()],
            },
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "kube-dns-host",
                "namespace": "kube-system",
                "labels": {**labels, "kubernetes.io/service-name": "kube-dns"},
            },
            "addressType": "IPv4",
            "endpoints": [{"addresses": [context.network.host], "conditions": {"ready": True}}],
            "ports": [{"name": name, "port": target, "protocol": value} for name, value in protocols.items()],
        },
    ]


def _role(name: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, "labels": _MANAGED},
        "rules": rules,
    }


def _rule(groups: list[str], resources: list[str], verbs: list[str]) -> dict[str, Any]:
    return {"apiGroups": groups, "resources": resources, "verbs": verbs}


def _binding(name: str, role: str, user: str) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": _MANAGED},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }
