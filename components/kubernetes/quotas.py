"""What the pods of an environment may use together, as data: applications, and workloads by hardware profile. Pure.

Kubernetes tells pods of one profile from others by their priority class. Its scoped quotas count processors, memory and
pods; accelerators stand in the quota of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import Field

from components.kubernetes.hardware_spec import HardwareProfileSpec, capacity, placement
from components.spec import Quantity, Spec, quantity_text, quantity_value

__all__ = ["QuotaSpec", "quotas"]


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
    storage = {
        "requests.storage": applications.storage,
        "persistentvolumeclaims": str(applications.volume_claims),
    }
    own = _computing(applications.cpu, applications.memory, applications.pods)
    if not profiles:
        return {"quota": {"hard": own | storage}}
    classes = {name: placement(name, profile, environment).priority_class for name, profile in profiles.items()}
    return {
        "quota": {"hard": _sum(applications, profiles) | storage},
        "quota-applications": {"hard": own, **_scope("NotIn", list(classes.values()))},
        **{
            f"quota-{name}": {"hard": _of_profile(profile), **_scope("In", [classes[name]])}
            for name, profile in profiles.items()
        },
    }


def _computing(cpu: str, memory: str, pods: int) -> dict[str, str]:
    return {
        "requests.cpu": cpu,
        "requests.memory": memory,
        "limits.cpu": cpu,
        "limits.memory": memory,
        "pods": str(pods),
    }


def _of_profile(profile: HardwareProfileSpec) -> dict[str, str]:
    total = capacity([profile])
    return _computing(total["cpu"], total["memory"], int(total["pods"]))


def _sum(applications: QuotaSpec, profiles: Mapping[str, HardwareProfileSpec]) -> dict[str, str]:
    """All there is: of a resource that a quota does not name, everybody takes what they want."""
    total = capacity(profiles.values())
    cpu = quantity_value(applications.cpu) + Decimal(total.pop("cpu"))
    memory = quantity_value(applications.memory) + quantity_value(total.pop("memory"))
    pods = applications.pods + int(total.pop("pods"))
    milli = "" if cpu == int(cpu) else "m"
    return {
        **_computing(f"{cpu * 1000 if milli else cpu:.0f}{milli}", quantity_text(memory), pods),
        **{f"requests.{resource}": amount for resource, amount in total.items()},
    }


def _scope(operator: str, classes: list[str]) -> dict[str, Any]:
    expression = {"scopeName": "PriorityClass", "operator": operator, "values": classes}
    return {"scopeSelector": {"matchExpressions": [expression]}}
