"""What every part of a testbed is doing right now; asked for on demand, nothing polls."""

from __future__ import annotations

import importlib.metadata
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from testbed import language
from testbed.cluster.nodes import NODE_NAME, NodeState, node_states
from testbed.cluster.objects import simulated_names
from testbed.composition import compose, processes_of
from testbed.context import Context
from testbed.existing import load_context
from testbed.host.supervision import ProcessState, Supervisor
from testbed.layout import Layout
from testbed.node import policies
from testbed.processes import Kind, NotReadyError, Process
from testbed.provider.installation import EXECUTABLE as GITLAB_PLUGIN
from testbed.pulumirpc.launcher import is_launcher
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
    note: str = ""
    """What else a person should know of it."""

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
    return [*entries, *_node_entries(context, api_ready), *_policy_entries(context), *_plugin_entries(context)]


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
        note=process.note,
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
    kinds = dict.fromkeys(simulated_names(context), Kind.SIMULATED)
    if context.real_node:
        kinds = {NODE_NAME: Kind.REAL, **kinds}
    reason, states = "the API server is not ready", {}
    if api_ready:
        try:
            reason, states = "no such node", node_states(context)
        except NotReadyError as error:
            reason = str(error)
    entries = []
    for name, kind in kinds.items():
        state = states.get(name) or NodeState(name=name, version="", obstacle=reason)
        ready = not state.obstacle
        entries.append(Entry(name=name, kind=kind, ready=ready, version=state.version, reason=state.obstacle))
    return entries


def _policy_entries(context: Context) -> list[Entry]:
    """Where policies have nothing behind them, that is said; where they have, their controller is a process."""
    obstacle = policies.obstacle() if context.real_node else None
    if obstacle is None:
        return []
    note = f"NetworkPolicies are not enforced: {obstacle}"
    return [Entry(name="network-policies", kind=Kind.SIMULATED, ready=True, version="v1", note=note)]


def _plugin_entries(context: Context) -> list[Entry]:
    """What the Pulumi engine starts when it needs it: there or not, the published one or our double."""
    gitlab_version = importlib.metadata.version("pulumi-gitlab")
    gitlab_directory = context.layout.data / "pulumi-home" / "plugins" / f"resource-gitlab-v{gitlab_version}"
    places = {
        language.EXECUTABLE: (context.layout.bin, f"v{importlib.metadata.version('pulumi')}"),
        GITLAB_PLUGIN: (gitlab_directory, f"v{gitlab_version}"),
    }
    entries = []
    for name, (directory, version) in places.items():
        double = directory / name
        found = double if double.exists() else shutil.which(name, path=context.search_path)
        kind = Kind.DOUBLE if found is None or is_launcher(Path(found)) else Kind.REAL
        reason = "" if found else f"neither the published one is on PATH, nor is the double in {directory}"
        entries.append(Entry(name=name, kind=kind, ready=not reason, version=version, reason=reason))
    return entries
