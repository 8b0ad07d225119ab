"""The hardware that an environment's workloads may ask for, as data: kinds of nodes, and how pods get there. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum, unique
from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from components import naming
from components.spec import (
    DnsLabel,
    LabelKey,
    LabelValue,
    Quantity,
    Refused,
    ResourceName,
    Spec,
    quantity_text,
    quantity_value,
    refusal,
    refuse_all,
    ruled,
)
from components.vocabulary import ACCELERATOR_LABEL, HARDWARE_LABEL, INTERCONNECT_LABEL, PRODUCT

__all__ = [
    "AcceleratorsSpec",
    "Effect",
    "HardwareProfileSpec",
    "Placement",
    "ProfileName",
    "TaintSpec",
    "capacity",
    "nodes_told_apart",
    "placement",
]

_HOST_LABEL: Final = "kubernetes.io/hostname"

ProfileName = Annotated[
    str,
    ruled(
        lambda value: naming.is_dns_label(value) and len(value) <= 40 and value != "storage",
        "1 to 40 lower-case letters, digits and inner hyphens, not 'storage': nodes and quotas are named after it",
        "use a name such as 'gpu-large'",
    ),
]


@unique
class Effect(StrEnum):
    """What a taint does to pods that do not tolerate it; Kubernetes' words."""

    NO_SCHEDULE = "NoSchedule"
    PREFER_NO_SCHEDULE = "PreferNoSchedule"
    NO_EXECUTE = "NoExecute"


class TaintSpec(Spec):
    """A mark on nodes that keeps away pods without its toleration."""

    key: LabelKey
    value: LabelValue = ""
    effect: Effect = Effect.NO_SCHEDULE

    def as_toleration(self) -> dict[str, str]:
        """Return what a pod says to be let onto the node."""
        return {"key": self.key, "operator": "Equal", "value": self.value, "effect": self.effect.value}


class AcceleratorsSpec(Spec):
    """The accelerators of one node."""

    count: int = Field(ge=1, le=64)
    resource: ResourceName = "nvidia.com/gpu"
    """The extended resource by which the device plugin offers them."""
    model: LabelValue = ""
    """Such as ``a100``."""


class HardwareProfileSpec(Spec):
    """A kind of node: how many there are, what one has, and how it is told from others."""

    nodes: int = Field(ge=1, le=10_000)
    cores: int = Field(ge=1, le=4096)
    """Of one node."""
    memory: Quantity
    """Of one node."""
    pods: int = Field(default=110, ge=1, le=1000)
    """The most that one node runs."""
    accelerators: AcceleratorsSpec | None = None
    interconnect: DnsLabel | None = None
    """The network between its nodes, such as ``infiniband``; for people, and as a label of simulated nodes."""
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict)
    """The labels that its nodes have at the site; by default ``bighpc.io/hardware-profile: <name>``."""
    taints: tuple[TaintSpec, ...] | None = None
    """The taints that its nodes have at the site; by default that same word, so that only who asks gets there."""
    priority: int = Field(default=0, ge=-1_000_000, le=1_000_000)
    """Of its pods: the higher is scheduled first; none is preempted."""

    @model_validator(mode="after")
    def _can_be(self) -> HardwareProfileSpec:
        refuse_all("HardwareProfileSpec", self._impossibilities())
        return self

    def _impossibilities(self) -> Iterator[Refused]:
        if quantity_value(self.memory) < 2**20:
            rule = f"a node has at least 1Mi of memory, not {self.memory}"
            yield ("memory",), self.memory, refusal(rule, "write an amount such as '256Gi'")
        if _HOST_LABEL in self.labels and self.nodes > 1:
            rule = f"the label {_HOST_LABEL} selects one node; nodes is {self.nodes}"
            remedy = "set nodes to 1, or select by a label that all of them have"
            yield ("labels", _HOST_LABEL), self.labels[_HOST_LABEL], refusal(rule, remedy)
        for (key, effect), many in Counter((taint.key, taint.effect) for taint in self.taints or ()).items():
            if many > 1:
                rule = f"a node has a taint once; {key} with {effect} stands there {many} times"
                yield ("taints",), [taint.value for taint in self.taints or ()], refusal(rule, "remove one")

    def selector(self, name: str) -> dict[str, str]:
        """Return the labels that tell its nodes from others."""
        return dict(self.labels) or {HARDWARE_LABEL: name}

    def marks(self, name: str) -> tuple[TaintSpec, ...]:
        """Return the taints of its nodes."""
        return (TaintSpec(key=HARDWARE_LABEL, value=name),) if self.taints is None else self.taints

    def node(self, name: str) -> dict[str, Any]:
        """Return what one of its nodes is: selector, labels, taints and capacity, in Kubernetes' words."""
        labels = {HARDWARE_LABEL: name, **self.selector(name)}
        if self.interconnect:
            labels[INTERCONNECT_LABEL] = self.interconnect
        if self.accelerators and self.accelerators.model:
            labels[ACCELERATOR_LABEL] = self.accelerators.model
        resources = {"cpu": str(self.cores), "memory": self.memory, "pods": str(self.pods)}
        if self.accelerators:
            resources[self.accelerators.resource] = str(self.accelerators.count)
        taints = [taint.model_dump(mode="json") for taint in self.marks(name)]
        return {"selector": self.selector(name), "labels": labels, "taints": taints, "capacity": resources}


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How a pod gets onto a profile's nodes: fields of its spec, in Kubernetes' words."""

    node_selector: Mapping[str, str]
    tolerations: tuple[Mapping[str, str], ...]
    priority_class: str
    accelerator: str | None
    """The extended resource of the node's accelerators."""


def placement(name: str, profile: HardwareProfileSpec, environment: str) -> Placement:
    """Return how a pod of an environment gets onto the nodes of a profile."""
    return Placement(
        node_selector=profile.selector(name),
        tolerations=tuple(taint.as_toleration() for taint in profile.marks(name)),
        priority_class=f"{PRODUCT}-{environment}-{name}",
        accelerator=profile.accelerators.resource if profile.accelerators else None,
    )


def capacity(profiles: Iterable[HardwareProfileSpec]) -> dict[str, str]:
    """Return what all nodes of the profiles have together, as quantities in Kubernetes' own spelling."""
    totals: Counter[str] = Counter()
    for profile in profiles:
        totals["cpu"] += profile.nodes * profile.cores
        totals["pods"] += profile.nodes * profile.pods
        if profile.accelerators:
            totals[profile.accelerators.resource] += profile.nodes * profile.accelerators.count
    memory = sum((profile.nodes * quantity_value(profile.memory) for profile in profiles), Decimal(0))
    return {name: str(amount) for name, amount in totals.items()} | {"memory": quantity_text(memory)}


def nodes_told_apart(profiles: Mapping[str, HardwareProfileSpec]) -> Iterator[Refused]:
    """Yield the profiles that mean the same nodes as one before them, each as a refused value below the profiles."""
    seen: dict[frozenset[tuple[str, str]], str] = {}
    for name, profile in profiles.items():
        selector = profile.selector(name)
        first = seen.setdefault(frozenset(selector.items()), name)
        if first != name:
            rule = f"profiles {first} and {name} select the same nodes by {selector}"
            remedy = "give one of them labels of its own, or make them one profile"
            yield (name, "labels"), selector, refusal(rule, remedy)
