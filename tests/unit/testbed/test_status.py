from __future__ import annotations

from collections.abc import Callable

import pytest

from testbed import status
from testbed.cluster.nodes import NodeState
from testbed.context import Context
from testbed.host.supervision import ProcessState
from testbed.layout import Layout
from testbed.node import policies
from testbed.processes import Kind, NotReadyError, Process
from testbed.status import Entry, collect

StatusOf = Callable[..., dict[str, Entry]]


class PaperSupervisor:
    states_by_name: dict[str, ProcessState]

    def __init__(self, _layout: Layout) -> None:
        pass

    def states(self) -> dict[str, ProcessState]:
        return self.states_by_name


def state(name: str, word: str, problem: str = "") -> ProcessState:
    return ProcessState(name=name, state=word, pid=7 if word == "RUNNING" else None, problem=problem)


def refuse() -> None:
    raise NotReadyError("it says 503")


@pytest.fixture
def status_of(context: Context, monkeypatch: pytest.MonkeyPatch) -> StatusOf:
    """Collect the status of a testbed with these processes in these states."""

    def run(*pairs: tuple[Process, ProcessState | None]) -> dict[str, Entry]:
        PaperSupervisor.states_by_name = {known.name: known for _, known in pairs if known is not None}
        monkeypatch.setattr(status, "load_context", lambda _: context)
        monkeypatch.setattr(status, "compose", lambda _: [process for process, _ in pairs])
        monkeypatch.setattr(status, "Supervisor", PaperSupervisor)
        return {entry.name: entry for entry in collect(context.layout)}

    return run


def process(name: str, *, ready: bool = True) -> Process:
    return Process(name=name, command=("x",), version="v1", probe=(lambda: None) if ready else refuse)


def test_a_running_process_is_as_ready_as_its_probe_says(status_of: StatusOf) -> None:
    entries = status_of(
        (process("good"), state("good", "RUNNING")), (process("bad", ready=False), state("bad", "RUNNING"))
    )
    assert (entries["good"].ready, entries["good"].pid, entries["good"].reason) == (True, 7, "")
    assert (entries["bad"].ready, entries["bad"].reason) == (False, "it says 503")


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (None, "the testbed is not running"),
        (state("x", "STOPPED"), "stopped"),
        (
            state("x", "BACKOFF", "ended with code 1"),
            "backoff: ended with code 1, being restarted; last log line: boom",
        ),
        (state("x", "FATAL", "ended with code 1"), "fatal: ended with code 1; last log line: boom"),
    ],
    ids=["no supervisor", "stopped", "being restarted", "given up"],
)
def test_a_process_that_is_not_running_says_why(
    status_of: StatusOf, context: Context, known: ProcessState | None, reason: str
) -> None:
    context.layout.logs.mkdir(parents=True)
    (context.layout.logs / "x.log").write_text("starting\nboom\n")
    assert status_of((process("x"), known))["x"].reason == reason


def test_nodes_are_unknown_while_the_api_server_is_down(status_of: StatusOf) -> None:
    entries = status_of((process("kube-apiserver", ready=False), state("kube-apiserver", "RUNNING")))
    assert entries["testbed-0"].reason == "the API server is not ready"
    assert entries["testbed-0"].kind is Kind.REAL
    assert entries["simulated-0"].kind is Kind.SIMULATED


def test_nodes_are_what_the_cluster_says(status_of: StatusOf, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = {
        "testbed-0": NodeState(name="testbed-0", version="v1", obstacle=""),
        "simulated-0": NodeState(name="simulated-0", version="kwok", obstacle="no status yet"),
    }
    monkeypatch.setattr(status, "node_states", lambda _: nodes)
    entries = status_of((process("kube-apiserver"), state("kube-apiserver", "RUNNING")))
    assert entries["testbed-0"].ready
    assert entries["simulated-0"].reason == "no status yet"
    assert entries["simulated-1"].reason == "no such node"


@pytest.mark.parametrize("why", [None, "this kernel has no packet queues"])
def test_policies_that_nobody_enforces_are_an_entry_of_their_own(
    status_of: StatusOf, monkeypatch: pytest.MonkeyPatch, why: str | None
) -> None:
    monkeypatch.setattr(policies, "obstacle", lambda: why)
    entry = status_of((process("x"), None)).get("network-policies")
    if why is None:
        assert entry is None, "their controller is a process"
    else:
        assert entry is not None
        assert (entry.kind, entry.ready) == (Kind.SIMULATED, True), "it is no failure"
        assert entry.note == f"NetworkPolicies are not enforced: {why}"


def test_missing_engine_plugins_are_reported(status_of: StatusOf) -> None:
    entry = status_of((process("x"), None))["pulumi-resource-gitlab"]
    assert not entry.ready
    assert entry.reason.startswith("neither the published one is on PATH, nor is the double in")
