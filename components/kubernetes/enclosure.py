"""A namespace of this program: limited, and closed but for what is opened by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.meta.v1 as meta
import pulumi_kubernetes.networking.v1 as networking

from components.labels import object_labels
from components.vocabulary import POD_SECURITY_PREFIX, PodSecurity

__all__ = ["Enclosure", "dns_egress", "egress_to", "ingress_from", "pod_security_labels"]

_REQUEST = {"cpu": "50m", "memory": "64Mi"}
_LIMIT = {"cpu": "500m", "memory": "256Mi"}
"""What a container gets when it does not say."""


@dataclass(frozen=True, kw_only=True)
class Enclosure:
    """Whose namespace it is, and how its objects are named."""

    prefix: str
    """The component's name, which its children's names begin with."""
    namespace: str
    component: str
    """What the namespace is for, as the labels say it."""
    environment: str
    owner: str
    options: pulumi.ResourceOptions
    pod_security: PodSecurity = PodSecurity.RESTRICTED

    def labels(self, part: str) -> dict[str, str]:
        """Return the labels of an object that is this part of it."""
        return object_labels(name=part, component=self.component, environment=self.environment, owner=self.owner)

    def metadata(
        self, name: str, namespace: core.Namespace, extra: Mapping[str, str] | None = None
    ) -> meta.ObjectMetaArgs:
        """Return the metadata of an object in the namespace."""
        return meta.ObjectMetaArgs(
            name=name, namespace=namespace.metadata.name, labels={**self.labels(name), **(extra or {})}
        )

    def create(self, quota: Mapping[str, str], *, neighbours: bool = True, keeps: bool = False) -> core.Namespace:
        """Make the namespace with quota, limits and network policies: its pods reach each other and DNS, no more.

        Args:
            quota: what its pods get together, in Kubernetes' words.
            neighbours: whether they reach each other; else DNS alone.
            keeps: whether its pods have claims of their own, so that Pulumi must refuse to delete it.
        """
        namespace = self.create_namespace(keeps=keeps)
        self.create_quota(namespace, quota)
        self.create_limits(namespace)
        self.allow(namespace, "default-deny")
        if neighbours:
            self.allow_neighbours(namespace)
        else:
            self.allow(namespace, "allow-dns", egress=[dns_egress()])
        return namespace

    def create_namespace(self, part: str = "namespace", *, keeps: bool = False) -> core.Namespace:
        """Make the namespace alone, with its Pod Security level.

        Args:
            part: what it is of the component, as its labels say it.
            keeps: whether Pulumi must refuse to delete it.
        """
        labels = {**self.labels(part), **pod_security_labels(self.pod_security)}
        return core.Namespace(
            f"{self.prefix}-namespace",
            metadata=meta.ObjectMetaArgs(name=self.namespace, labels=labels),
            opts=pulumi.ResourceOptions.merge(self.options, pulumi.ResourceOptions(protect=keeps or None)),
        )

    def create_quota(self, namespace: core.Namespace, hard: Mapping[str, str]) -> None:
        """Limit what its pods use together."""
        core.ResourceQuota(
            f"{self.prefix}-quota",
            metadata=self.metadata("quota", namespace),
            spec=core.ResourceQuotaSpecArgs(hard=dict(hard)),
            opts=self.options,
        )

    def create_limits(
        self,
        namespace: core.Namespace,
        *,
        request: Mapping[str, str] = _REQUEST,
        limit: Mapping[str, str] = _LIMIT,
    ) -> core.LimitRange:
        """Give containers that ask for nothing a request and a limit."""
        item = core.LimitRangeItemArgs(type="Container", default_request=dict(request), default=dict(limit))
        return core.LimitRange(
            f"{self.prefix}-limits",
            metadata=self.metadata("limits", namespace),
            spec=core.LimitRangeSpecArgs(limits=[item]),
            opts=self.options,
        )

    def allow_neighbours(self, namespace: core.Namespace) -> None:
        """Let its pods reach each other and DNS."""
        neighbours = networking.NetworkPolicyPeerArgs(pod_selector=meta.LabelSelectorArgs())
        self.allow(namespace, "allow-dns", egress=[dns_egress()])
        self.allow(
            namespace,
            "allow-same-namespace",
            ingress=[networking.NetworkPolicyIngressRuleArgs(from_=[neighbours])],
            egress=[networking.NetworkPolicyEgressRuleArgs(to=[neighbours])],
        )

    def allow(
        self,
        namespace: core.Namespace,
        policy: str,
        *,
        selector: Mapping[str, str] | None = None,
        ingress: Sequence[networking.NetworkPolicyIngressRuleArgs] = (),
        egress: Sequence[networking.NetworkPolicyEgressRuleArgs] = (),
    ) -> None:
        """Make a network policy; one without rules denies everything.

        Args:
            namespace: where.
            policy: its name.
            selector: the labels of the pods that it is for; by default all.
            ingress: whom they admit.
            egress: what they reach.
        """
        denies = not ingress and not egress
        types = [name for name, given in (("Ingress", ingress), ("Egress", egress)) if given or denies]
        networking.NetworkPolicy(
            f"{self.prefix}-{policy}",
            metadata=self.metadata(policy, namespace),
            spec=networking.NetworkPolicySpecArgs(
                pod_selector=meta.LabelSelectorArgs(match_labels=dict(selector) if selector else None),
                policy_types=types,
                ingress=list(ingress) or None,
                egress=list(egress) or None,
            ),
            opts=self.options,
        )


def pod_security_labels(level: PodSecurity) -> dict[str, str]:
    """Return the labels by which a namespace enforces, audits and warns at a level."""
    return {f"{POD_SECURITY_PREFIX}/{mode}": level for mode in ("enforce", "audit", "warn")}


def dns_egress() -> networking.NetworkPolicyEgressRuleArgs:
    """Return a rule that lets pods reach the cluster's DNS."""
    return egress_to([53], namespaces=["kube-system"], protocols=["UDP", "TCP"])


def egress_to(
    ports: Sequence[int],
    *,
    namespaces: Sequence[str] = (),
    networks: Sequence[str] = (),
    pods: Sequence[Mapping[str, str]] = (),
    protocols: Sequence[str] = ("TCP",),
) -> networking.NetworkPolicyEgressRuleArgs:
    """Return a rule that lets pods reach these ports, in these namespaces and networks; without any: everywhere.

    Args:
        ports: their numbers.
        namespaces: all pods in them.
        networks: as CIDR.
        pods: those of the same namespace with such labels.
        protocols: of each port.
    """
    peers = [*map(_pods_of, namespaces), *map(_pods_with, pods)]
    peers += [networking.NetworkPolicyPeerArgs(ip_block=networking.IPBlockArgs(cidr=network)) for network in networks]
    return networking.NetworkPolicyEgressRuleArgs(
        to=peers or None,
        ports=[
            networking.NetworkPolicyPortArgs(port=port, protocol=protocol) for port in ports for protocol in protocols
        ],
    )


def ingress_from(
    namespaces: Sequence[str], ports: Sequence[int], *, pods: Sequence[Mapping[str, str]] = ()
) -> networking.NetworkPolicyIngressRuleArgs:
    """Return a rule that admits to these ports the pods of these namespaces, and those of its own with such labels.

    Without any it admits everybody.
    """
    return networking.NetworkPolicyIngressRuleArgs(
        from_=[*map(_pods_of, namespaces), *map(_pods_with, pods)] or None,
        ports=[networking.NetworkPolicyPortArgs(port=port, protocol="TCP") for port in ports],
    )


def _pods_of(namespace: str) -> networking.NetworkPolicyPeerArgs:
    return networking.NetworkPolicyPeerArgs(
        namespace_selector=meta.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": namespace})
    )


def _pods_with(labels: Mapping[str, str]) -> networking.NetworkPolicyPeerArgs:
    return networking.NetworkPolicyPeerArgs(pod_selector=meta.LabelSelectorArgs(match_labels=dict(labels)))
