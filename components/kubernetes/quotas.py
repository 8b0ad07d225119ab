"""What the pods of an environment may use together, as data: applications, and workloads by hardware profile. Pure.

Kubernetes tells pods of one profile from others by their priority class. Its scoped quotas count processors, memory and
pods; storage and accelerators stand in one for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from components.kubernetes.hardware_spec import HardwareProfileSpec, capacity, placement
from components.spec import Quantity, Spec

__all__ = ["QuotaSpec", "computing", "quotas"]


class QuotaSpec(Spec):
    """What all pods of the namespace may use together."""

    cpu: Quantity = "8"
    memory: Quantity = "16Gi"
    storage: Quantity = "100Gi"
    pods: int = Field(default=50, ge=1)
    volume_claims: int = Field(default=10, ge=0)


def quotas(
    applications: QuotaSpec, profiles: Mapping[str, HardwareProfileSpec], environment: str
) -> dict[str, dict[str, Any]]:
    """Return the specs of the environment's ResourceQuotas, by name.

    Args:
        applications: what pods on no profile may use.
        profiles: the hardware, all of which its pods may use.
        environment: the environment's name.
    """
    own = computing(applications.cpu, applications.memory, applications.pods)
    storage = {
        "requests.storage": applications.storage,
        "persistentvolumeclaims": str(applications.volume_claims),
    }
    if not profiles:
        return {"quota": {"hard": own | storage}}
    classes = {name: placement(name, profile, environment).priority_class for name, profile in profiles.items()}
    return {
        "quota": {"hard": own, **_scope("NotIn", list(classes.values()))},
        "quota-storage": {"hard": storage | _accelerators(profiles)},
        **{
            f"quota-{name}": {"hard": _all_of(profile), **_scope("In", [classes[name]])}
            for name, profile in profiles.items()
        },
    }


def computing(cpu: str, memory: str, pods: int) -> dict[str, str]:
    """Return what a quota says about processors, memory and pods; limits are as high as requests."""
    return {
        "requests.cpu": cpu,
        "requests.memory": memory,
        "limits.cpu": cpu,
        "limits.memory": memory,
        "pods": str(pods),
    }


def _all_of(profile: HardwareProfileSpec) -> dict[str, str]:
    total = capacity([profile])
    return computing(total["cpu"], total["memory"], int(total["pods"]))


def _accelerators(profiles: Mapping[str, HardwareProfileSpec]) -> dict[str, str]:
    """All there are: of a resource that no quota names, everybody takes what they want."""
    total = capacity(profiles.values())
    return {f"requests.{name}": amount for name, amount in total.items() if "/" in name}


def _scope(operator: str, classes: list[str]) -> dict[str, Any]:
    expression = {"scopeName": "PriorityClass", "operator": operator, "values": classes}
    return {"scopeSelector": {"matchExpressions": [expression]}}
