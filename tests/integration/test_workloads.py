"""A thousand batch jobs on two hundred simulated nodes, handed in and looked at as people do it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube import Client
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Event, Node

from components.kubernetes.hardware import Hardware, HardwareArgs
from components.kubernetes.hardware_spec import HardwareProfileSpec
from components.kubernetes.quotas import QuotaSpec
from components.kubernetes.testbed import Testbed, TestbedArgs, TestbedSpec
from components.workloads.queues import WorkloadsSpec
from components.workloads.workload_spec import Site, WorkloadSpec
from gitops.cluster import connect
from stacks.batch import cluster
from stacks.batch.files import Batch
from stacks.batch.times import JobTimes, summaries
from testbed.cluster.objects import apply_all, reached
from testbed.images import push_program_image
from tests.conftest import Recorder
from tests.contract.gitlab.support import eventually
from tests.integration.own_testbed import BIGHPC, OwnTestbed, own_testbed

pytestmark = pytest.mark.integration

NAMESPACE = "bighpc-dev"
IMAGE = "registry.bighpc.test/answering:1"
NODES, JOBS, ON_ONE_NODE = 200, 1000, 3
LIMIT = 600.0
"""Seconds for all jobs, on a machine that has more to do; alone it takes a fraction of that."""

PROFILES = {
    "cpu": HardwareProfileSpec(nodes=NODES, cores=64, memory="256Gi"),
    "gpu": HardwareProfileSpec(nodes=1, cores=32, memory="512Gi"),
    "host": HardwareProfileSpec(
        nodes=1, cores=2, memory="4Gi", labels={"kubernetes.io/hostname": "testbed-0"}, taints=()
    ),
}
SITE = Site(environment="dev", namespace=NAMESPACE, profiles=PROFILES, queues=("batch",))


@dataclass(frozen=True, kw_only=True)
class Dev:
    """The environment dev on a testbed of its own, with a client of its cluster."""

    testbed: OwnTestbed
    client: Client

    def bighpc(self, *arguments: str) -> str:
        """Run ``bighpc workloads ...`` against it; returns what it printed."""
        environment = {**self.testbed.environment, "KUBECONFIG": str(self.testbed.layout.kubeconfig)}
        command = [str(BIGHPC), "workloads", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def submit(self, **content: Any) -> None:
        """Hand a workload in, as the command does once it has read the file."""
        spec = WorkloadSpec.model_validate(content)
        cluster.submit(self.client, Batch(spec=spec, site=SITE, workloads=WorkloadsSpec()).as_job())


@pytest.fixture(scope="module")
def own() -> Iterator[OwnTestbed]:
    # A testbed for these tests alone ends faster than a thousand jobs are deleted from one that others use.
    with own_testbed("w") as testbed:
        testbed.up("--simulated-nodes", "1")
        yield testbed


@pytest.fixture
def dev(own: OwnTestbed, build: Callable[[Callable[[], object]], Recorder]) -> Iterator[Dev]:
    """What the program declares for an environment with this hardware."""
    declared = build(declare)
    objects = [resource.inputs for resource in declared.resources if resource.token.startswith("kubernetes:")]
    # Kubernetes knows no priority such as 0.0.
    content = json.loads(json.dumps(objects), parse_float=lambda text: int(float(text)))
    with reached(own.context) as api:
        apply_all(api, content)
    with connect({"kubernetes:kubeconfig": str(own.layout.kubeconfig)}) as client:
        eventually(lambda: ready_nodes(client) == NODES + 1, 120)
        yield Dev(testbed=own, client=client)


def declare() -> None:
    spec = TestbedSpec(hardware=PROFILES, quota=QuotaSpec(cpu="4", memory="8Gi"))
    made = Testbed("testbed", TestbedArgs(spec=spec, environment="dev", namespace=NAMESPACE))
    Hardware("hardware", HardwareArgs(profiles=PROFILES, environment="dev", owner="platform", namespace=made.namespace))


def ready_nodes(client: Client) -> int:
    """How many of those that stand for hardware are."""
    made = client.list(Node, labels={"app.kubernetes.io/managed-by": "bighpc-hardware"})
    conditions = (node.status and node.status.conditions for node in made)
    return sum(any(each.type == "Ready" and each.status == "True" for each in found or ()) for found in conditions)


def workload(name: str, owner: str, seconds: int, **changes: Any) -> dict[str, Any]:
    """A workload that takes a whole node of its profile."""
    content: dict[str, Any] = {
        "name": name,
        "owner": owner,
        "image": "registry.example.org/flow:1.2",
        "command": ["flow"],
        "cores": 64,
        "memory": "100Gi",
        "profile": "cpu",
        "wallTime": "10m",
        "simulatedTime": f"{seconds}s",
    }
    return content | changes


def await_finished(dev: Dev, owner: str, limit: float) -> None:
    """Wait until no job of an owner is unfinished, and say how far it is."""
    begin, labels = time.monotonic(), dict[str, Any]({"bighpc.io/owner": owner})
    while True:
        # The server leaves out those that have succeeded.
        rest = [
            each
            for each in dev.client.list(
                Job, namespace=NAMESPACE, labels=labels, fields={"status.successful": "0"}, chunk_size=500
            )
            if each.status is None or not any(end.type == "Failed" for end in each.status.conditions or ())
        ]
        seconds = time.monotonic() - begin
        sys.stderr.write(f"{seconds:.0f} s: {len(rest)} jobs of {owner} have not finished\n")
        if not rest:
            return
        assert seconds < limit, f"after {limit:.0f} s, {len(rest)} jobs have not finished, such as {rest[0]}"
        time.sleep(5)


def at_the_same_time(jobs: Iterable[JobTimes]) -> int:
    """How many of the jobs ran at once, at most. What ends in a second makes room for what begins in it."""
    changes = sorted(change for each in jobs for change in ((each.started, 1), (each.finished, -1)))
    running = most = 0
    for _, change in changes:
        running += change
        most = max(most, running)
    return most


@pytest.mark.timeout(1200)
def test_a_thousand_jobs_on_two_hundred_nodes_run_to_completion_and_tell_their_times(dev: Dev, tmp_path: Path) -> None:
    begin = time.monotonic()
    file = tmp_path / "first.yaml"
    file.write_text(yaml.safe_dump(workload("job-0", "fluids", 10)))
    assert dev.bighpc("submit", str(file), "--stack", "dev") == f"job {NAMESPACE}/job-0\n"
    # One node for some jobs: their quota lets one in, and the others wait.
    for number in range(ON_ONE_NODE):
        dev.submit(**workload(f"narrow-{number}", "fluids", 20, profile="gpu", cores=32))
    chosen = {number: (10, 20, 30)[number % 3] for number in range(1, JOBS - ON_ONE_NODE)}
    for number, seconds in chosen.items():
        dev.submit(**workload(f"job-{number}", "fluids", seconds))
    sys.stderr.write(f"{JOBS} jobs were handed in within {time.monotonic() - begin:.0f} s\n")
    await_finished(dev, "fluids", LIMIT)
    sys.stderr.write(f"{JOBS} jobs were done after {time.monotonic() - begin:.0f} s\n")

    cpu, gpu = json.loads(dev.bighpc("report", "--stack", "dev", "--json"))
    sys.stderr.write(dev.bighpc("report", "--stack", "dev"))
    assert (cpu["queue"], cpu["profile"], gpu["profile"]) == ("batch", "cpu", "gpu")
    assert (cpu["succeeded"], cpu["failed"], cpu["simulated"]) == (JOBS - ON_ONE_NODE, 0, JOBS - ON_ONE_NODE)
    assert (gpu["succeeded"], gpu["failed"], gpu["simulated"]) == (ON_ONE_NODE, 0, ON_ONE_NODE)
    for summary in (cpu, gpu):
        for kind in ("queue", "wait", "run"):
            spread = summary["seconds"][kind]
            assert 0 <= spread["median"] <= spread["p95"] <= spread["max"]
    # The times were chosen; Kubernetes tells whole seconds.
    assert cpu["seconds"]["run"]["median"] >= 19
    assert cpu["seconds"]["run"]["max"] >= 29
    assert gpu["seconds"]["wait"]["max"] >= 20

    times = cluster.finished_jobs(dev.client, NAMESPACE, {"bighpc.io/owner": "fluids"})
    assert [asdict(each) for each in summaries(times)] == [cpu, gpu]
    by_profile = {name: [each for each in times if each.profile == name] for name in ("cpu", "gpu")}
    assert all(each.seconds("run") >= 9 for each in by_profile["cpu"])
    assert at_the_same_time(by_profile["cpu"]) <= NODES, "each job has a whole node"
    assert at_the_same_time(by_profile["gpu"]) == 1
    refused = dev.client.list(Event, namespace=NAMESPACE, fields={"reason": "FailedCreate"})
    assert any("exceeded quota: quota-gpu" in (each.message or "") for each in refused), "the quota made them wait"


def test_what_outlives_its_wall_time_is_ended_on_simulated_nodes_and_really_runs_on_real_ones(dev: Dev) -> None:
    context = dev.testbed.context
    if not context.real_node:
        pytest.skip("there is no real node here")
    push_program_image(context, context.tools.path("hello"), IMAGE)
    # A server, which never ends by itself; on the real node nobody looks at how long it is to seem to run.
    late = {"image": IMAGE, "command": ["/hello"], "cores": 1, "memory": "64Mi", "wallTime": "8s"}
    dev.submit(**workload("seems-to-run", "drills", 60, **late))
    dev.submit(**workload("really-runs", "drills", 1, **late, profile="host"))
    await_finished(dev, "drills", 180)
    times = {each.profile: each for each in cluster.finished_jobs(dev.client, NAMESPACE, {"bighpc.io/owner": "drills"})}
    assert {name: (each.succeeded, each.simulated) for name, each in times.items()} == {
        "cpu": (False, True),
        "host": (False, False),
    }
    assert all(each.seconds("run") >= 7 for each in times.values())
