"""The queues of an environment as data, and as Kueue's objects. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Any, Final

from pydantic import Field

from components.kubernetes.hardware_spec import HardwareProfileSpec, capacity, placement
from components.spec import DnsLabel, Spec
from components.vocabulary import PRODUCT
from components.workloads.slurm import SlurmSpec

__all__ = ["KUEUE", "QueueType", "WorkloadsSpec", "cluster_queue", "local_queue", "resource_flavor"]

KUEUE: Final = "kueue.x-k8s.io/v1beta2"
"""The API of Kueue 0.15 and newer."""


@unique
class QueueType(StrEnum):
    """Who decides when a job starts in Kubernetes."""

    NONE = "none"
    """The scheduler alone: every pod waits for itself."""
    KUEUE = "kueue"
    """Kueue: a job starts when all that it asks for is free."""


class WorkloadsSpec(Spec):
    """How an environment runs batch jobs."""

    type: QueueType = QueueType.NONE
    queues: tuple[DnsLabel, ...] = Field(default=("batch",), min_length=1)
    """In Kubernetes labels, with Kueue its LocalQueues; in Slurm partitions."""
    slurm: SlurmSpec = SlurmSpec()


def resource_flavor(name: str, profile: HardwareProfileSpec, environment: str) -> dict[str, Any]:
    """Return what tells Kueue the nodes of a hardware profile from others."""
    place = placement(name, profile, environment)
    taints = [taint.model_dump(mode="json") for taint in profile.marks(name)]
    return {"nodeLabels": dict(place.node_selector), "nodeTaints": taints}


def cluster_queue(profiles: Mapping[str, HardwareProfileSpec], environment: str, namespace: str) -> dict[str, Any]:
    """Return what jobs of an environment's namespace may use together: all nodes of its profiles."""
    totals = {name: capacity([profile]) for name, profile in profiles.items()}
    resources = sorted(set().union(*totals.values()))
    flavors = [
        {
            "name": f"{PRODUCT}-{environment}-{name}",
            # Kueue wants every resource named for every flavor.
            "resources": [{"name": each, "nominalQuota": total.get(each, "0")} for each in resources],
        }
        for name, total in totals.items()
    ]
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "queueingStrategy": "BestEffortFIFO",
        "resourceGroups": [{"coveredResources": resources, "flavors": flavors}],
    }


def local_queue(environment: str) -> dict[str, Any]:
    """Return what makes the environment's quota usable in its namespace."""
    return {"clusterQueue": f"{PRODUCT}-{environment}"}
