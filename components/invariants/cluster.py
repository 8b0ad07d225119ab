"""Kubernetes: namespaces, networks, services, storage and the objects as such."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from components.invariants.violation import Data, invariant
from components.invariants.wording import secret_in
from components.vocabulary import (
    ENVIRONMENT_LABEL,
    MANAGER,
    OWNER_LABEL,
    POD_SECURITY_PREFIX,
    PRODUCT,
    PodSecurity,
)

__all__ = [
    "balancer_admits_known_networks",
    "chart_is_not_installed",
    "configuration_holds_no_secret",
    "ingress_is_encrypted",
    "namespace_enforces_pod_security",
    "network_rule_admits_known_senders",
    "network_rule_reaches_known_networks",
    "object_has_a_namespace",
    "object_has_an_owner",
    "object_is_labelled",
    "object_is_no_list",
    "platform_labels",
    "quota_limits_everything",
    "service_claims_no_addresses",
    "service_opens_no_node_port",
    "volume_is_no_host_path",
]

_EVERYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})
_SYSTEM_NAMESPACES: Final = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})
_QUOTAS: Final = ("limits.cpu", "limits.memory", "pods")
_COMPUTING: Final = frozenset({*_QUOTAS, "cpu", "memory", "requests.cpu", "requests.memory", "count/pods"})


@invariant(
    "Every namespace enforces the baseline or the restricted Pod Security Standard.",
    f"Add the label {POD_SECURITY_PREFIX}/enforce: restricted.",
)
def namespace_enforces_pod_security(labels: Mapping[str, str]) -> Iterator[str]:
    """A namespace says which Pod Security Standard it enforces, and it is not ``privileged``."""
    label = f"{POD_SECURITY_PREFIX}/enforce"
    level = labels.get(label)
    if level not in {PodSecurity.BASELINE, PodSecurity.RESTRICTED}:
        yield f"its label {label} is '{level}'" if level else f"it has no label {label}"


def platform_labels(environment: str) -> dict[str, str]:
    """Return the labels of which everybody knows the right value."""
    return {
        "app.kubernetes.io/part-of": PRODUCT,
        "app.kubernetes.io/managed-by": MANAGER,
        ENVIRONMENT_LABEL: environment,
    }


@invariant(
    "An object says what it is part of, who manages it and which environment it belongs to.", "Use object_labels()."
)
def object_is_labelled(labels: Mapping[str, str], environment: str) -> Iterator[str]:
    """Whoever finds an object in the cluster finds its source."""
    for label, value in platform_labels(environment).items():
        found = labels.get(label)
        if found != value:
            yield f"its label {label} is {found!r} instead of {value!r}" if found else f"it has no label {label}"


@invariant("An object says which team answers for it.", f"Add the label {OWNER_LABEL}.")
def object_has_an_owner(labels: Mapping[str, str]) -> Iterator[str]:
    """An alert at night finds somebody."""
    if not labels.get(OWNER_LABEL):
        yield f"it has no label {OWNER_LABEL}"


@invariant(
    "An object lives in a namespace of the platform.", "Set metadata.namespace to the testbed's or the tool's own."
)
def object_has_a_namespace(metadata: Data) -> Iterator[str]:
    """A namespace's quotas and network policies hold for what is in it."""
    namespace = metadata.get("namespace")
    if not namespace or namespace in _SYSTEM_NAMESPACES:
        yield f"its namespace is '{namespace}'" if namespace else "it has no namespace"


@invariant("An object is declared by itself.", "Declare each item of the list as a resource of its own.")
def object_is_no_list(_: Data) -> Iterator[str]:
    """What is inside a list is judged by no rule."""
    yield "it is a list of objects"


@invariant("Charts are rendered by Argo CD.", "Declare an ArgoApplication that has the chart as its source.")
def chart_is_not_installed(_: Data) -> Iterator[str]:
    """What a chart's release installs is judged by no rule."""
    yield "it installs a chart"


@invariant("A configuration holds no secrets.", "Move it to a Kubernetes secret.")
def configuration_holds_no_secret(entry: Mapping[str, str]) -> Iterator[str]:
    """Whoever may read a ConfigMap is not meant to read secrets."""
    for key, text in entry.items():
        kind = secret_in(text)
        if kind is not None:
            yield f"{key} contains {kind}"


@invariant("A quota limits processors, memory and the number of pods.", f"Set {', '.join(_QUOTAS)} under hard.")
def quota_limits_everything(quota: Data) -> Iterator[str]:
    """A loop that makes pods ends at the quota, not at the last node; one of storage or devices may stand beside it."""
    hard = (quota.get("spec") or {}).get("hard") or {}
    if hard and not _COMPUTING & set(hard):
        return
    yield from (f"it does not limit {each}" for each in _QUOTAS if each not in hard)


@invariant(
    "A network policy admits senders by name.", "Name the senders under from, or select the pods that admit everybody."
)
def network_rule_admits_known_senders(rule: Data, pod_selector: Data) -> Iterator[str]:
    """Not every pod of a namespace is open to the whole cluster."""
    selects = pod_selector.get("matchLabels") or pod_selector.get("matchExpressions")
    if not selects and (not rule.get("from") or _reaches_everywhere(rule["from"])):
        yield "it admits every sender to every pod"


@invariant("A network policy lets pods reach what they need.", "Name networks, namespaces or pods under to.")
def network_rule_reaches_known_networks(rule: Data) -> Iterator[str]:
    """What broke in sends nothing home."""
    if not rule.get("to") and not rule.get("ports"):
        yield "it lets pods reach everything"
    elif _reaches_everywhere(rule.get("to") or ()):
        yield "it lets pods reach every network"


def _reaches_everywhere(peers: Iterable[Data]) -> bool:
    blocks = [peer.get("ipBlock") or {} for peer in peers]
    return any(block.get("cidr") in _EVERYWHERE and not block.get("except") for block in blocks)


@invariant("A service opens no port on the nodes.", "Use ClusterIP, and an Ingress for what is seen outside.")
def service_opens_no_node_port(service: Data) -> Iterator[str]:
    """A port on every node is open to the site's whole network."""
    if (service.get("spec") or {}).get("type") == "NodePort":
        yield "its type is NodePort"


@invariant("A service claims no addresses.", "Leave out externalIPs, and use an Ingress.")
def service_claims_no_addresses(service: Data) -> Iterator[str]:
    """Whoever claims an address receives what is sent to it (CVE-2020-8554)."""
    if (service.get("spec") or {}).get("externalIPs"):
        yield "it has externalIPs"


@invariant("A load balancer admits known networks.", "Set loadBalancerSourceRanges to the site's networks.")
def balancer_admits_known_networks(service: Data) -> Iterator[str]:
    """What is open to the world is opened on purpose."""
    spec = service.get("spec") or {}
    if spec.get("type") == "LoadBalancer":
        ranges = spec.get("loadBalancerSourceRanges") or ()
        if not ranges or any(each in _EVERYWHERE for each in ranges):
            yield "it admits every network"


@invariant("An ingress is encrypted.", "List every host under tls, with the secret of its certificate.")
def ingress_is_encrypted(ingress: Data) -> Iterator[str]:
    """People's sessions are nobody else's."""
    spec = ingress.get("spec") or {}
    covered = {host for entry in spec.get("tls") or () for host in entry.get("hosts") or ()}
    for rule in spec.get("rules") or ():
        host = rule.get("host")
        if host not in covered:
            yield f"{host} is not encrypted" if host else "it serves every host"


@invariant("A volume is not a directory of a node.", "Use a storage class of the site.")
def volume_is_no_host_path(volume: Data) -> Iterator[str]:
    """A directory of a node is a way out of the container."""
    if (volume.get("spec") or {}).get("hostPath"):
        yield "it is a hostPath"
