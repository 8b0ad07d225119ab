"""A testbed that something has happened to: it heals by itself, or the next ``up`` heals it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from testbed.composition import compose, processes_of
from testbed.host.leftovers import marked_processes, mounts_below
from testbed.host.supervision import Supervisor
from testbed.node.cgroups import cgroup_path, hierarchies
from testbed.node.namespaces import link_name
from tests.integration.own_testbed import OwnTestbed, own_testbed

pytestmark = pytest.mark.integration

HEALING_LIMIT = 60.0


def wait_until(condition: Callable[[], bool], what: str, limit: float = HEALING_LIMIT) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"after {limit:.0f} s still not: {what}"
        time.sleep(0.5)


def test_every_process_that_is_killed_comes_back(testbed: OwnTestbed) -> None:
    for name in [process.name for process in processes_of(compose(testbed.context))]:
        pid = testbed.status()[name]["pid"]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda name=name, pid=pid: testbed.status()[name]["pid"] not in {None, pid}, f"{name} is back")  # type: ignore[misc]
        wait_until(lambda: not testbed.unready(), f"everything is ready after {name} was killed")


def test_a_killed_supervisor_is_reported_and_replaced(testbed: OwnTestbed) -> None:
    pid = Supervisor(testbed.layout).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=5)
    assert testbed.unready()["etcd"] == "the testbed is not running"
    said = testbed.up()
    assert "cleared away what an earlier run left behind" in said
    assert testbed.unready() == {}


def test_a_testbed_killed_as_a_whole_is_brought_up_again(testbed: OwnTestbed) -> None:
    for process in marked_processes(testbed.layout.root):
        process.kill()
    testbed.up()
    assert testbed.unready() == {}


def test_a_lost_network_link_is_made_anew(testbed: OwnTestbed) -> None:
    subprocess.run(["ip", "link", "delete", "dev", link_name(testbed.layout)], check=True)
    assert "starting it anew" in testbed.up()
    assert testbed.unready() == {}


def test_a_bring_up_killed_half_way_is_continued(testbed: OwnTestbed) -> None:
    testbed.run("down")
    with testbed.start("up") as half_way:
        wait_until(lambda: Supervisor(testbed.layout).alive(), "the supervisor runs")
        half_way.kill()
    testbed.up()
    assert testbed.unready() == {}


def test_two_commands_at_once_are_refused_clearly(testbed: OwnTestbed) -> None:
    testbed.run("down")
    with testbed.start("up") as first:
        wait_until(lambda: Supervisor(testbed.layout).pid is not None, "the first is at work")
        code, said = testbed.run("up")
        first.communicate(timeout=180)
    assert code == 1
    assert f"is being brought up or down by process {first.pid}" in said


def test_data_survive_down_and_up(testbed: OwnTestbed) -> None:
    kubectl = [str(testbed.context.tools.path("kubectl")), f"--kubeconfig={testbed.layout.kubeconfig}"]
    identity = [*kubectl, "get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]
    before = subprocess.run(identity, capture_output=True, text=True, check=True).stdout
    testbed.run("down")
    testbed.up()
    assert subprocess.run(identity, capture_output=True, text=True, check=True).stdout == before


def test_down_leaves_nothing_running_and_nothing_mounted(testbed: OwnTestbed) -> None:
    layout = testbed.layout
    code, said = testbed.run("down")
    assert code == 0, said
    assert marked_processes(layout.root) == []
    assert mounts_below([layout.root, layout.run]) == []
    assert not layout.run.exists()
    names = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    assert layout.network_namespace not in names
    groups = [
        mount / cgroup_path(layout).strip("/") for mount in hierarchies(Path("/proc/mounts").read_text()).values()
    ]
    assert [group for group in groups if group.exists()] == []
    assert testbed.unready()["kubelet"] == "the testbed is not running"


def test_a_second_testbed_runs_beside_the_first_and_leaves_it_alone(testbed: OwnTestbed) -> None:
    before = {name: entry["pid"] for name, entry in testbed.status().items()}
    with own_testbed("b") as other:
        other.up("--simulated-nodes", "1")
        assert other.unready() == {}
    assert {name: entry["pid"] for name, entry in testbed.status().items()} == before
    assert testbed.unready() == {}
