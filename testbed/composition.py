"""The one place that says what a testbed consists of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from testbed.cluster.control_plane import control_plane
from testbed.cluster.nodes import await_nodes
from testbed.cluster.objects import prepare_cluster, simulated_names
from testbed.cluster.services import coredns, hardware_simulator, kwok, registry
from testbed.context import Context
from testbed.delivery import delivery
from testbed.forge import agent_server, gitlab, runner_items
from testbed.images import push_program_image
from testbed.node.node import node_items
from testbed.node.policies import policy_items
from testbed.node.runtime import PAUSE_IMAGE
from testbed.node.volumes import provisioner
from testbed.processes import Process
from testbed.startup import Task

__all__ = ["compose", "processes_of"]


def compose(context: Context) -> list[Process | Task]:
    """Every process and one-time task of the testbed; `testbed.startup` orders them by their dependencies."""
    items: list[Process | Task] = [
        *control_plane(context),
        Task(name="cluster-objects", run=partial(prepare_cluster, context), after=("kube-apiserver",)),
        registry(context),
        gitlab(context),
        agent_server(context),
        *runner_items(context),
    ]
    if context.simulated_nodes:
        nodes = partial(await_nodes, context, simulated_names(context))
        items += [
            kwok(context),
            Task(name="simulated-nodes", run=nodes, after=("kwok", "cluster-objects")),
            hardware_simulator(context),
        ]
    if context.real_node:
        pause = partial(push_program_image, context, context.tools.path("pause"), PAUSE_IMAGE)
        items += [
            coredns(context),
            Task(name="pause-image", run=pause, after=("registry",)),
            *node_items(context),
            *policy_items(context),
            provisioner(context),
        ]
    return [*items, *delivery(context)]


def processes_of(items: Sequence[Process | Task]) -> list[Process]:
    """The processes among the items, each after the processes (no longer the tasks) that it depends on."""
    tasks = {item.name: item for item in items if isinstance(item, Task)}

    def resolve(names: tuple[str, ...]) -> set[str]:
        return set().union(*(resolve(tasks[name].after) if name in tasks else {name} for name in names))

    return [replace(item, after=tuple(sorted(resolve(item.after)))) for item in items if isinstance(item, Process)]
