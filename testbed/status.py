"""What every part of a testbed is doing right now; asked for on demand, nothing polls."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testbed.composition import compose, processes_of
from testbed.context import Context
from testbed.existing import load_context
from testbed.host.supervision import ProcessState, Supervisor
from testbed.layout import Layout
from testbed.processes import Kind, NotReadyError, Process
from testbed.startup import last_lines

__all__ = ["Entry", "collect"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the status."""

    name: str
    kind: Kind
    ready: bool
    pid: int | None = None
    url: str | None = None
    version: str = ""
    reason: str = ""
    """Why it is not ready."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def collect(layout: Layout) -> list[Entry]:
    """The state of processes and nodes.

    Raises:
        UserError: when the testbed was never brought up.
    """
    context = load_context(layout)
    processes = processes_of(compose(context))
    states = Supervisor(layout).states()
    with ThreadPoolExecutor(max_workers=len(processes)) as pool:
        entries = list(pool.map(lambda process: _process_entry(context, process, states), processes))
    api_ready = any(entry.name == "kube-apiserver" and entry.ready for entry in entries)
    return [*entries, *_node_entries(context, api_ready)]


def _process_entry(context: Context, process: Process, states: dict[str, ProcessState]) -> Entry:
    state = states.get(process.name)
    reason = _obstacle(context.layout.logs, process, state)
    if not reason:
        try:
            process.probe()
        except NotReadyError as error:
            reason = str(error)
    return Entry(
        name=process.name,
        kind=process.kind,
        ready=not reason,
        pid=state.pid if state else None,
        url=process.url,
        version=process.version,
        reason=reason,
    )


def _obstacle(logs: Path, process: Process, state: ProcessState | None) -> str:
    """Why probing is pointless, or nothing."""
    if state is None:
        return "the testbed is not running"
    if state.state in {"RUNNING", "STARTING"}:
        return ""
    if state.state == "STOPPED":
        return "stopped"
    tail = last_lines(logs / f"{process.name}.log", 1)
    again = ", being restarted" if state.state == "BACKOFF" else ""
    return f"{state.state.lower()}: {state.problem}{again}" + (f"; last log line: {tail[0]}" if tail else "")


def _node_entries(context: Context, api_ready: bool) -> list[Entry]:
    from testbed.node.node import NODE_NAME

    expected = {f"simulated-{number}": Kind.SIMULATED for number in range(context.simulated_nodes)}
    if context.real_node:
        expected = {NODE_NAME: Kind.REAL, **expected}
    seen = _nodes(context) if api_ready else {}
    unknown = (False, "", "no such node" if api_ready else "the API server is not ready")
    entries = []
    for name, kind in expected.items():
        ready, version, reason = seen.get(name, unknown)
        entries.append(Entry(name=name, kind=kind, ready=ready, version=version, reason=reason))
    return entries


def _nodes(context: Context) -> dict[str, tuple[bool, str, str]]:
    """Nodes by name: whether Ready, which version, why not."""
    from lightkube.resources.core_v1 import Node

    from testbed.cluster.objects import client

    nodes = {}
    for node in client(context).list(Node):
        if node.metadata is None or node.metadata.name is None or node.status is None:
            continue
        ready = next((condition for condition in node.status.conditions or [] if condition.type == "Ready"), None)
        version = node.status.nodeInfo.kubeletVersion if node.status.nodeInfo else ""
        is_ready = ready is not None and ready.status == "True"
        reason = "" if is_ready else ((ready and ready.message) or "no heartbeat yet")
        nodes[node.metadata.name] = (is_ready, version, reason)
    return nodes
