"""Network policies on the node, on machines that can enforce them and on others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from testbed.context import Context
from testbed.errors import UserError
from testbed.node import policies
from testbed.node.namespaces import enter
from testbed.node.policies import obstacle, policy_items
from testbed.processes import Process
from testbed.startup import Task


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[str, ...], str]]:
    """The commands that were run, with what they read, on a machine that can do everything."""
    commands: list[tuple[tuple[str, ...], str]] = []

    def run(*command: Any, given: str = "") -> str:
        commands.append((tuple(map(str, command)), given))
        return ""

    monkeypatch.setattr(policies, "run", run)
    monkeypatch.setattr(policies, "_QUEUES", Path("/proc/self/status"))
    return commands


def test_the_controller_runs_in_the_nodes_namespaces_and_answers_on_the_link(
    context: Context, ran: list[tuple[tuple[str, ...], str]]
) -> None:
    process = next(item for item in policy_items(context) if isinstance(item, Process))
    assert process.command[:4] == enter(context.layout)
    assert "--listen=10.222.0.2:10258" in process.command
    assert [command[:2] for command, _ in ran] == [("unshare", "--net")], "the trial touches no network of the machine"


def test_new_connections_are_judged_but_for_names(context: Context, ran: list[tuple[tuple[str, ...], str]]) -> None:
    task = next(item for item in policy_items(context) if isinstance(item, Task))
    task.run()
    command, given = ran[-1]
    assert command[:4] == enter(context.layout)
    *_, established, udp, tcp, queue, _, _ = given.split("\n")
    assert "ESTABLISHED" in established
    assert ("-d 10.222.0.1 -p udp --dport 1053" in udp, "-p tcp" in tcp) == (True, True)
    assert "--queue-bypass" in queue, "without the controller packets pass"


def test_a_kernel_without_queues_is_named_and_nothing_is_started(
    context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(policies, "_QUEUES", tmp_path / "absent")
    monkeypatch.setattr(policies, "succeeds", lambda *_: False)
    assert policy_items(context) == []
    assert "nfnetlink_queue" in str(obstacle())


def test_a_rule_that_the_kernel_refuses_is_an_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> str:
        raise UserError("iptables: No chain/target/match by that name.")

    monkeypatch.setattr(policies, "_QUEUES", Path("/proc/self/status"))
    monkeypatch.setattr(policies, "run", refuse)
    assert "NFQUEUE" in str(obstacle())
