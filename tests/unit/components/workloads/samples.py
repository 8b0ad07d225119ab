"""A site and a workload that fits it."""

from __future__ import annotations

from typing import Any, Final

from components.kubernetes.hardware_spec import AcceleratorsSpec, HardwareProfileSpec
from components.workloads.workload_spec import Site, WorkloadSpec

SITE: Final = Site(
    environment="dev",
    namespace="bighpc-dev",
    profiles={
        "cpu": HardwareProfileSpec(nodes=2, cores=64, memory="256Gi"),
        "gpu": HardwareProfileSpec(
            nodes=2, cores=32, memory="512Gi", accelerators=AcceleratorsSpec(count=4, model="a100")
        ),
    },
    queues=("batch",),
)

CONTENT: Final[dict[str, Any]] = {
    "name": "flow",
    "owner": "fluids",
    "image": "registry.example.org/flow:1.2",
    "command": ["flow", "--case", "wing"],
    "cores": 16,
    "memory": "100Gi",
    "profile": "cpu",
    "wallTime": "01:30:00",
}


def workload(**changes: Any) -> WorkloadSpec:
    """The workload, with other values at some keys."""
    return WorkloadSpec.model_validate(CONTENT | changes)
