"""An environment's batch queues in the cluster, for Kueue, which the site has installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes.meta.v1 as meta
from pulumi_kubernetes.apiextensions import CustomResource

from components.kubernetes.hardware_spec import HardwareProfileSpec
from components.labels import object_labels
from components.workloads.kueue import (
    API_VERSION,
    cluster_queue,
    cluster_queue_name,
    flavor,
    flavor_name,
    local_queue,
    shared_names,
)

__all__ = ["BatchQueues", "BatchQueuesArgs"]


@dataclass(frozen=True, kw_only=True)
class BatchQueuesArgs:
    """The queues, the hardware behind them, and the environment that has both."""

    queues: tuple[str, ...]
    hardware: Mapping[str, HardwareProfileSpec]
    environment: str
    owner: str
    namespace: pulumi.Input[str]
    namespace_name: str
    """The same, known beforehand."""


class BatchQueues(pulumi.ComponentResource):
    """A flavor for each hardware profile, one ClusterQueue with all of them, and a LocalQueue for each queue."""

    queues: pulumi.Output[list[str]]
    """Their names; known once jobs may be handed in."""
    shared: tuple[str, ...]
    """The names of what is the whole cluster's."""

    def __init__(self, name: str, args: BatchQueuesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:workloads:BatchQueues", name, None, opts)
        self._prefix = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)

        self.shared = shared_names(args.hardware, args.environment)
        flavors = [self._create_flavor(profile, spec) for profile, spec in args.hardware.items()]
        whole = self._create(
            "cluster-queue",
            "ClusterQueue",
            cluster_queue_name(args.environment),
            cluster_queue(args.hardware, args.environment, args.namespace_name),
            after=flavors,
        )
        made = [
            self._create(queue, "LocalQueue", queue, local_queue(args.environment), namespaced=True, after=[whole])
            for queue in args.queues
        ]
        self.queues = pulumi.Output.all(*(each.id for each in made)).apply(lambda _: list(args.queues))
        self.register_outputs({"queues": self.queues})

    def _create_flavor(self, profile: str, spec: HardwareProfileSpec) -> CustomResource:
        name = flavor_name(profile, self._args.environment)
        return self._create(f"flavor-{profile}", "ResourceFlavor", name, flavor(profile, spec))

    def _create(
        self,
        suffix: str,
        kind: str,
        name: str,
        spec: dict[str, Any],
        *,
        namespaced: bool = False,
        after: list[CustomResource] | None = None,
    ) -> CustomResource:
        args = self._args
        labels = object_labels(name=name, component="queue", environment=args.environment, owner=args.owner)
        return CustomResource(
            f"{self._prefix}-{suffix}",
            api_version=API_VERSION,
            kind=kind,
            metadata=meta.ObjectMetaArgs(name=name, namespace=args.namespace if namespaced else None, labels=labels),
            spec=spec,
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=after)),
        )
