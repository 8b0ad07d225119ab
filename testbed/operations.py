"""Brings a testbed up and down."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from testbed.composition import compose, processes_of
from testbed.context import Context
from testbed.engine import install_engine
from testbed.errors import UserError
from testbed.existing import context_of, load_context
from testbed.files import private_directory
from testbed.host import leftovers, preflight
from testbed.host.ports import choose_ports
from testbed.host.supervision import Supervisor, base_environment
from testbed.layout import Layout, NetworkBlock, cache_directory
from testbed.node.cgroups import create_cgroups
from testbed.node.namespaces import create_namespaces, link_name, namespaces_intact, overlapping_route
from testbed.processes import Process
from testbed.progress import Progress
from testbed.startup import bring_down, bring_up
from testbed.state import State, choosing, exclusive, load_state, reserved_by_others, save_state
from testbed.toolchain import ensure

__all__ = ["DEFAULT_SIMULATED_NODES", "Wishes", "down", "prepare", "purge", "up"]

DEFAULT_SIMULATED_NODES = 3
_BLOCKS = range(200, 251)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the person at the terminal asked for; None means as before, or the default."""

    simulated_nodes: int | None = None
    real_node: bool | None = None
    ports: Mapping[str, int] = field(default_factory=dict)


def prepare(progress: Progress) -> None:
    """Install what every testbed needs: system packages and tools. `up` does the same on its way.

    Raises:
        UserError: when something cannot be installed or built.
    """
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    real_node = preflight.real_node_possible() is None
    preflight.ensure_packages(real_node=real_node, progress=progress, log=cache / "packages.log")
    with progress.live():
        ensure(progress.say, progress.waiting)


def up(layout: Layout, wishes: Wishes, progress: Progress) -> Context:
    """Bring everything up that is not up, and wait until it is ready.

    Raises:
        UserError: when something is in the way or fails.
    """
    preflight.check_disk(layout)
    with exclusive(layout):
        leftovers.claim_name(layout)
        supervisor = Supervisor(layout)
        before = load_state(layout)
        real_node = _real_node(wishes, before, progress)
        running = _settle(layout, supervisor, before, real_node, progress)
        if not running:
            private_directory(layout.logs)
            preflight.ensure_packages(real_node=real_node, progress=progress, log=layout.logs / "packages.log")
            if real_node:
                preflight.check_kernel()
        with progress.live():
            tools = ensure(progress.say, progress.waiting)
        with choosing(layout):
            state = _choose(layout, wishes, before, real_node=real_node, running=running)
            save_state(layout, state)
        context = context_of(layout, state, tools)
        if real_node and not running:
            with progress.step(f"network {context.network.cidr} and namespaces of the node"):
                create_namespaces(layout, context.network)
                create_cgroups(layout)
        install_engine(context)
        context.admin_kubeconfig()
        items = compose(context)
        supervisor.configure(processes_of(items), _environment(context))
        bring_up(items, supervisor=supervisor, logs=layout.logs, progress=progress)
    return context


def down(layout: Layout, progress: Progress) -> None:
    """End everything; data, keys and logs stay for the next time.

    Raises:
        UserError: when something does not end.
    """
    _check_exists(layout)
    with exclusive(layout):
        _stop(layout, Supervisor(layout), progress)


def purge(layout: Layout, progress: Progress) -> None:
    """End everything and remove all that the testbed ever wrote.

    Raises:
        UserError: when something does not end.
    """
    _check_exists(layout)
    with exclusive(layout):
        _stop(layout, Supervisor(layout), progress)
        mounts = leftovers.mounts_below([layout.root])
        if mounts:
            raise UserError(
                f"{mounts[0]} is still mounted, and removing {layout.root} would empty it; unmount it first"
            )
        with progress.step(f"removing {layout.root}"):
            shutil.rmtree(layout.root)


def _check_exists(layout: Layout) -> None:
    if not layout.root.exists():
        raise UserError(f"there is no testbed {layout.name!r}: {layout.root} does not exist")


def _environment(context: Context) -> dict[str, str]:
    return base_environment(context.layout, search_path=context.search_path, cluster=str(context.network.cidr))


def _real_node(wishes: Wishes, before: State | None, progress: Progress) -> bool:
    obstacle = preflight.real_node_possible()
    wanted = wishes.real_node if wishes.real_node is not None else (before.real_node if before else True)
    if wanted and obstacle:
        if wishes.real_node:
            raise UserError(f"a real node is not possible: {obstacle}; leave --real-node out for simulated nodes only")
        progress.note(f"simulated nodes only, no container runs: {obstacle}")
    return wanted and obstacle is None


def _settle(layout: Layout, supervisor: Supervisor, before: State | None, real_node: bool, progress: Progress) -> bool:
    """Find a running testbed fit to go on with, or clear away what is there; tells which."""
    if supervisor.alive():
        if before is not None and before.real_node != real_node:
            raise UserError(
                f"testbed {layout.name!r} is running {'with' if not real_node else 'without'} a real node; "
                f"bring it down first: bighpc testbed down --name {layout.name}"
            )
        if before is not None and (not real_node or namespaces_intact(layout)):
            return True
        progress.note("what the running testbed stands on is gone; starting it anew")
        _stop(layout, supervisor, progress)
    found = leftovers.clean(layout)
    if found:
        progress.note(f"cleared away what an earlier run left behind: {', '.join(found)}")
    leftovers.claim_name(layout)
    return False


def _stop(layout: Layout, supervisor: Supervisor, progress: Progress) -> None:
    with progress.step("stopping processes"):
        bring_down(_known_processes(layout), supervisor=supervisor, progress=progress)
    with progress.step("removing containers, mounts, namespaces and control groups"):
        leftovers.clean(layout)


def _known_processes(layout: Layout) -> list[Process]:
    """The processes as composed now; empty when that is impossible, and the supervisor alone decides the order."""
    try:
        return processes_of(compose(load_context(layout)))
    except UserError:
        return []


def _choose(layout: Layout, wishes: Wishes, before: State | None, *, real_node: bool, running: bool) -> State:
    nodes = wishes.simulated_nodes
    if nodes is None:
        nodes = before.simulated_nodes if before else DEFAULT_SIMULATED_NODES
    others = reserved_by_others(layout)
    reserved = {port for state in others for port in state.ports.values()}
    if running and before is not None:
        moved = [name for name, port in wishes.ports.items() if before.ports.get(name) != port]
        if moved:
            raise UserError(
                f"the testbed is running, and ports cannot move meanwhile ({', '.join(moved)}); "
                f"bring it down first: bighpc testbed down --name {layout.name}"
            )
        ports = choose_ports(kept=before.ports, fixed={}, reserved=reserved, running=True)
        return State(network=before.network, ports=ports, real_node=real_node, simulated_nodes=nodes)
    network = _network(layout, before, {state.network for state in others})
    ports = choose_ports(kept=before.ports if before else {}, fixed=wishes.ports, reserved=reserved)
    return State(network=network, ports=ports, real_node=real_node, simulated_nodes=nodes)


def _network(layout: Layout, before: State | None, taken: set[int]) -> int:
    """A network block that overlaps with no route of this machine; the same as before if there was one.

    Raises:
        UserError: when there is none.
    """
    own = link_name(layout)
    if before is not None:
        obstacle = overlapping_route(NetworkBlock(index=before.network), ignored_device=own)
        if obstacle is None:
            return before.network
        raise UserError(
            f"the testbed's network {NetworkBlock(index=before.network).cidr} overlaps with the route {obstacle}; "
            f"remove that route, or make the testbed anew: bighpc testbed down --purge --name {layout.name}"
        )
    # Start at a place of its own, so that testbeds brought up at the same time rarely meet.
    offset = zlib.crc32(str(layout.root).encode()) % len(_BLOCKS)
    for step in range(len(_BLOCKS)):
        index = _BLOCKS[(offset + step) % len(_BLOCKS)]
        if index not in taken and overlapping_route(NetworkBlock(index=index), ignored_device=own) is None:
            return index
    raise UserError("no network block from 10.200.0.0/16 to 10.250.0.0/16 is free; remove one of this machine's routes")
