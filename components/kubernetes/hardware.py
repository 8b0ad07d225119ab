"""The hardware of an environment in the cluster: a priority class for each profile, and a map of what there is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.meta.v1 as meta
import pulumi_kubernetes.scheduling.v1 as scheduling

from components.kubernetes.hardware_spec import HardwareProfileSpec, Placement, placement
from components.labels import object_labels
from components.vocabulary import HARDWARE_MAP

__all__ = ["Hardware", "HardwareArgs"]


@dataclass(frozen=True, kw_only=True)
class HardwareArgs:
    """The profiles, and the environment that has them."""

    profiles: Mapping[str, HardwareProfileSpec]
    environment: str
    owner: str
    namespace: pulumi.Input[str]


class Hardware(pulumi.ComponentResource):
    """What workloads need to get onto the nodes of a hardware profile; the nodes are the site's."""

    placements: Mapping[str, Placement]
    """How a pod gets onto the nodes of each profile."""

    def __init__(self, name: str, args: HardwareArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:hardware:Hardware", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self.placements = {
            profile: placement(profile, spec, args.environment) for profile, spec in args.profiles.items()
        }

        for profile, spec in args.profiles.items():
            self._create_priority_class(profile, spec)
        self._create_map()
        self.register_outputs({"profiles": sorted(args.profiles)})

    def _labels(self, name: str) -> dict[str, str]:
        return object_labels(
            name=name, component="hardware", environment=self._args.environment, owner=self._args.owner
        )

    def _create_priority_class(self, profile: str, spec: HardwareProfileSpec) -> None:
        scheduling.PriorityClass(
            f"{self._prefix}-{profile}",
            metadata=meta.ObjectMetaArgs(name=self.placements[profile].priority_class, labels=self._labels(profile)),
            value=spec.priority,
            # A job that ran for hours is not stopped for one that came later.
            preemption_policy="Never",
            description=f"Workloads of {self._args.environment} on nodes of the hardware profile {profile}.",
            opts=self._child,
        )

    def _create_map(self) -> None:
        core.ConfigMap(
            f"{self._prefix}-map",
            metadata=meta.ObjectMetaArgs(
                name=HARDWARE_MAP, namespace=self._args.namespace, labels=self._labels(HARDWARE_MAP)
            ),
            data={
                name: json.dumps({"nodes": profile.nodes, **profile.node(name)}, sort_keys=True)
                for name, profile in self._args.profiles.items()
            },
            opts=self._child,
        )
