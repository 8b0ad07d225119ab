"""Network policies on the real node: what the program declares for an environment is what its pods live with."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from components.kubernetes.testbed import Testbed, TestbedArgs, TestbedSpec
from components.vocabulary import EXPOSED_LABEL
from testbed.cluster.objects import apply_all, reached
from testbed.images import push_program_image
from testbed.node import policies
from tests.conftest import Recorded, Recorder
from tests.contract.gitlab.support import eventually
from tests.integration.own_testbed import OwnTestbed

pytestmark = pytest.mark.integration

WALLED, OUTSIDE = "walled", "outside"
IMAGE = "registry.bighpc.test/walled:1"
PORT = 8080


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod that answers on `PORT`, and that connections can be made from."""

    address: str
    pid: int

    def reaches(self, address: str, port: int = PORT) -> bool:
        """Whether a connection from the pod is accepted."""
        code = f"import socket; socket.create_connection(({address!r}, {port}), timeout=2).close()"
        command = ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", "python3", "-c", code]
        return subprocess.run(command, capture_output=True, check=False, timeout=30).returncode == 0


@pytest.fixture
def pods(testbed: OwnTestbed, build: Callable[[Callable[[], object]], Recorder]) -> Iterator[Mapping[str, Pod]]:
    """An exposed and a closed pod in a namespace with an environment's policies, and one in a namespace without any."""
    if why := policies.obstacle():
        pytest.skip(f"not enforced here: {why}")
    declared = build(
        lambda: Testbed("testbed", TestbedArgs(spec=TestbedSpec(), environment="dev", namespace=WALLED))
    ).of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    context = testbed.context
    push_program_image(context, context.tools.path("hello"), IMAGE)
    places = {"exposed": WALLED, "closed": WALLED, "stranger": OUTSIDE}
    with reached(context) as api:
        apply_all(api, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": n}} for n in (WALLED, OUTSIDE)])
        apply_all(api, map(policy, declared))
        apply_all(api, [pod(name, namespace) for name, namespace in places.items()])
    for name, namespace in places.items():
        kubectl(testbed, "-n", namespace, "wait", f"pod/{name}", "--for=condition=Ready", "--timeout=90s")
    yield {name: found(testbed, name, namespace) for name, namespace in places.items()}
    kubectl(testbed, "delete", "namespace", WALLED, OUTSIDE, "--timeout=90s")


def policy(declared: Recorded) -> dict[str, Any]:
    """A policy as Kubernetes has it, which knows no ports such as 53.0."""
    inputs = json.loads(json.dumps(declared.inputs), parse_float=lambda text: int(float(text)))
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", **inputs}


def pod(name: str, namespace: str) -> dict[str, Any]:
    labels = {EXPOSED_LABEL: "true"} if name == "exposed" else {}
    container = {
        "name": "main",
        "image": IMAGE,
        # The kubelet is of the node: no policy keeps it from asking.
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": PORT}},
        "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 1}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def found(testbed: OwnTestbed, name: str, namespace: str) -> Pod:
    made = json.loads(kubectl(testbed, "-n", namespace, "get", "pod", name, "-o", "json"))
    uid = made["metadata"]["uid"]
    [pid] = [process.pid for process in psutil.process_iter(["name"]) if in_pod(process, uid)]
    return Pod(address=made["status"]["podIP"], pid=pid)


def in_pod(process: psutil.Process, uid: str) -> bool:
    if process.info["name"] != "hello":
        return False
    return f"/pod{uid}/" in Path(f"/proc/{process.pid}/cgroup").read_text(encoding="utf-8")


def kubectl(testbed: OwnTestbed, *arguments: str) -> str:
    context = testbed.context
    command = [str(context.tools.path("kubectl")), f"--kubeconfig={context.layout.kubeconfig}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_pod_is_reached_from_elsewhere_only_if_it_is_exposed(testbed: OwnTestbed, pods: Mapping[str, Pod]) -> None:
    assert testbed.status()["kube-network-policies"]["note"] == "NetworkPolicies are enforced"
    exposed, closed, stranger = pods["exposed"], pods["closed"], pods["stranger"]
    eventually(lambda: stranger.reaches(exposed.address))
    assert exposed.reaches(closed.address), "neighbours reach each other"
    assert not stranger.reaches(closed.address)
    assert not exposed.reaches(stranger.address), "and nobody reaches out of the namespace"
    assert closed.reaches(testbed.context.network.dns, 53), "but for names"
    kubectl(testbed, "-n", WALLED, "label", "pod", "closed", f"{EXPOSED_LABEL}=true")
    eventually(lambda: stranger.reaches(closed.address))


def test_the_status_tells_whether_policies_are_enforced(testbed: OwnTestbed) -> None:
    said = {entry["note"] for entry in testbed.status().values() if "NetworkPolicies" in entry["note"]}
    why = policies.obstacle()
    assert said == {f"NetworkPolicies are not enforced: {why}" if why else "NetworkPolicies are enforced"}
