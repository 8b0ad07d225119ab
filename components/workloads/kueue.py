"""Kueue's objects that follow from an environment's queues and hardware. Pure.

Fields are those of the API ``kueue.x-k8s.io/v1beta1`` [1], which releases serve from 0.3 on.

[1] https://kueue.sigs.k8s.io/docs/reference/kueue.v1beta1/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from components.kubernetes.hardware_spec import HardwareProfileSpec, capacity
from components.vocabulary import KUEUE, PRODUCT

__all__ = [
    "API_VERSION",
    "MOST_FLAVORS",
    "VERSION",
    "cluster_queue",
    "cluster_queue_name",
    "flavor",
    "flavor_name",
    "local_queue",
    "shared_names",
]

VERSION: Final = "v1beta1"
API_VERSION: Final = f"{KUEUE}/{VERSION}"
MOST_FLAVORS: Final = 16
"""Hardware profiles that one ClusterQueue takes, in the strictest of these releases."""


def flavor_name(profile: str, environment: str) -> str:
    """Return the ResourceFlavor's name: it is the whole cluster's."""
    return f"{PRODUCT}-{environment}-{profile}"


def cluster_queue_name(environment: str) -> str:
    """Return the ClusterQueue's name: it is the whole cluster's."""
    return f"{PRODUCT}-{environment}"


def shared_names(profiles: Iterable[str], environment: str) -> tuple[str, ...]:
    """Return the names of all that is the whole cluster's."""
    return (cluster_queue_name(environment), *(flavor_name(profile, environment) for profile in profiles))


def flavor(name: str, profile: HardwareProfileSpec) -> dict[str, Any]:
    """Return the ``spec`` of the ResourceFlavor of a hardware profile: its nodes, and what keeps others off them."""
    taints = [taint.model_dump(mode="json") for taint in profile.marks(name)]
    return {"nodeLabels": profile.selector(name), **({"nodeTaints": taints} if taints else {})}


def cluster_queue(profiles: Mapping[str, HardwareProfileSpec], environment: str, namespace: str) -> dict[str, Any]:
    """Return the ``spec`` of the ClusterQueue: what all nodes of each profile have, for jobs of one namespace.

    Args:
        profiles: the hardware.
        environment: whose it is.
        namespace: where its jobs are.
    """
    owned = {name: _computing(profile) for name, profile in profiles.items()}
    # Each flavor of a group says something about each of the group's resources.
    covered = list(dict.fromkeys(resource for each in owned.values() for resource in each))
    flavors = [
        {
            "name": flavor_name(name, environment),
            "resources": [{"name": resource, "nominalQuota": each.get(resource, "0")} for resource in covered],
        }
        for name, each in owned.items()
    ]
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        # A large job that does not fit yet lets small ones pass.
        "queueingStrategy": "BestEffortFIFO",
        "resourceGroups": [{"coveredResources": covered, "flavors": flavors}],
    }


def local_queue(environment: str) -> dict[str, Any]:
    """Return the ``spec`` of a LocalQueue of the environment."""
    return {"clusterQueue": cluster_queue_name(environment)}


def _computing(profile: HardwareProfileSpec) -> dict[str, str]:
    # Jobs do not ask for pods; Kueue would count only those that it admits.
    return {resource: amount for resource, amount in sorted(capacity([profile]).items()) if resource != "pods"}
