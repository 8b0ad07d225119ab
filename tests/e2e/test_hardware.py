"""Hardware as code: a push changes what nodes there are, and a workload gets onto those that it asks for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

_LIMIT = 60.0
_PROFILE = "bighpc.io/hardware-profile"
_PLACED: dict[str, Any] = {
    "nodeSelector": {_PROFILE: "gpu"},
    "tolerations": [{"key": _PROFILE, "operator": "Equal", "value": "gpu", "effect": "NoSchedule"}],
    "priorityClassName": "bighpc-dev-gpu",
}


@pytest.fixture
def larger(site: Site) -> Iterator[Site]:
    """The site, with two more nodes of the profile `gpu` by a push."""
    pushed = site.push("Pulumi.dev.yaml", "nodes: 1", "nodes: 3")
    site.release()
    yield site
    site.revert(pushed)
    site.release()


def test_a_push_that_changes_a_profile_changes_the_nodes_and_who_asks_gets_there(larger: Site) -> None:
    nodes = eventually(larger, 3)
    assert {node["metadata"]["labels"]["type"] for node in nodes} == {"kwok"}, "simulated, and told apart"
    assert nodes[0]["status"]["allocatable"]["nvidia.com/gpu"] == "8"
    try:
        assert create(larger, "trainer", {"cpu": "16", "memory": "64Gi", "nvidia.com/gpu": "4"}, _PLACED) == ""
        assert placed(larger, "trainer").startswith("dev-gpu-")
        refused = create(larger, "greedy", {"cpu": "96", "memory": "1Gi"}, _PLACED)
        assert "exceeded quota: quota-gpu" in refused
        refused = create(larger, "unplaced", {"cpu": "16", "memory": "1Gi"}, {})
        assert "exceeded quota: quota," in refused, "what asks for no profile has the applications' quota"
        refused = create(larger, "many", {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "21"}, _PLACED)
        assert "exceeded quota: quota-storage" in refused
    finally:
        larger.kubectl("delete", "pod", "trainer", "--namespace=bighpc-dev", "--ignore-not-found", "--wait=false")


def eventually(site: Site, many: int) -> list[dict[str, Any]]:
    """The nodes of the profile, once there are so many and all are Ready."""
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        nodes = json.loads(site.kubectl("get", "nodes", f"--selector={_PROFILE}=gpu", "--output=json").stdout)["items"]
        ready = [
            each for each in nodes if any(c["type"] == "Ready" and c["status"] == "True" for c in conditions(each))
        ]
        if len(ready) == len(nodes) == many:
            return ready
        time.sleep(0.5)
    raise AssertionError(f"after {_LIMIT} s there are {len(nodes)} nodes of the profile, not {many}")


def conditions(node: dict[str, Any]) -> list[dict[str, str]]:
    listed: list[dict[str, str]] = node["status"].get("conditions", [])
    return listed


def create(site: Site, name: str, resources: dict[str, str], placement: dict[str, Any]) -> str:
    """Create a pod as strict as the namespace asks; returns the refusal, or nothing."""
    container = {
        "name": "main",
        "image": "registry.bighpc.test/pause:1.0.0",
        "resources": {"requests": resources, "limits": resources},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "containers": [container],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        **placement,
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "bighpc-dev"}, "spec": spec}
    done = site.apply(pod)
    return done.stderr if done.returncode else ""


def placed(site: Site, name: str) -> str:
    """The node that a pod was put on."""
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        asked = ("get", "pod", name, "--namespace=bighpc-dev", "--output=jsonpath={.spec.nodeName} {.status.phase}")
        node, _, phase = site.kubectl(*asked).stdout.partition(" ")
        if phase == "Running":
            return node
        time.sleep(0.5)
    raise AssertionError(f"after {_LIMIT} s the pod {name} is {phase!r} on {node!r}")
