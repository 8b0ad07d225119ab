"""Simulated nodes in the shape of declared hardware."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from lightkube import codecs
from lightkube.resources.core_v1 import ConfigMap, Node

from testbed.cluster.hardware.nodes import Declaration, Observed, digest_of, parse, wanted
from testbed.cluster.hardware.simulator import Simulator

PROFILE = {
    "nodes": 3,
    "selector": {"bighpc.io/hardware-profile": "gpu"},
    "labels": {"bighpc.io/hardware-profile": "gpu", "bighpc.io/accelerator": "a100"},
    "taints": [{"key": "bighpc.io/hardware-profile", "value": "gpu", "effect": "NoSchedule"}],
    "capacity": {"cpu": "32", "memory": "256Gi", "pods": "110", "nvidia.com/gpu": "4"},
}


def declared(**changes: Any) -> list[Declaration]:
    return list(parse("dev", {"gpu": json.dumps(PROFILE | changes)}))


def test_a_profile_becomes_as_many_nodes_as_it_has() -> None:
    nodes, left_out = wanted(declared(), [])
    assert (list(nodes), left_out) == (["dev-gpu-0", "dev-gpu-1", "dev-gpu-2"], 0)
    node = nodes["dev-gpu-1"]
    assert node["metadata"]["labels"].items() >= PROFILE["labels"].items()  # type: ignore[attr-defined]
    assert node["metadata"]["labels"]["kubernetes.io/hostname"] == "dev-gpu-1"
    assert node["spec"]["taints"] == PROFILE["taints"]
    assert node["status"]["allocatable"].items() >= PROFILE["capacity"].items()  # type: ignore[attr-defined]


def test_real_nodes_are_counted_and_the_rest_is_simulated() -> None:
    real = [Observed(labels={"bighpc.io/hardware-profile": "gpu", "rack": "r1"}), Observed(labels={"rack": "r1"})]
    assert len(wanted(declared(), real)[0]) == 2


def test_a_host_that_is_named_is_never_simulated() -> None:
    assert wanted(declared(nodes=1, selector={"kubernetes.io/hostname": "testbed-0"}), []) == ({}, 0)


def test_nodes_that_everybody_may_use_are_kept_from_what_really_runs() -> None:
    (node,) = wanted(declared(nodes=1, taints=[]), [])[0].values()
    assert node["spec"]["taints"] == [{"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}]


def test_more_than_the_machine_can_bear_are_left_out_and_counted() -> None:
    nodes, left_out = wanted(declared(nodes=10_000), [], limit=1000)
    assert (len(nodes), left_out) == (1000, 9000)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"nodes": "many"}', '"text"'])
def test_a_map_that_is_not_the_platforms_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="profile gpu of dev is not readable"):
        list(parse("dev", {"gpu": text}))


class Cluster:
    """As much of an API server as the simulator asks for."""

    def __init__(self) -> None:
        self.nodes: dict[str, Any] = {}
        self.maps: list[ConfigMap] = []
        self.asked_for_nodes = 0

    def declare(self, version: str, **profiles: Any) -> None:
        data = {name: json.dumps(content) for name, content in profiles.items()}
        metadata = {
            "name": "hardware-profiles",
            "namespace": "bighpc-dev",
            "uid": "1",
            "resourceVersion": version,
            "labels": {"bighpc.io/environment": "dev"},
        }
        content = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        self.maps = [codecs.from_dict(content)]  # type: ignore[list-item]

    def list(self, kind: type, **_: Any) -> Iterator[Any]:
        if kind is Node:
            self.asked_for_nodes += 1
            return iter(list(self.nodes.values()))
        return iter(self.maps)

    def create(self, node: Any) -> None:
        assert node.metadata.name not in self.nodes
        self.nodes[node.metadata.name] = node

    def delete(self, _: type, name: str) -> None:
        del self.nodes[name]


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def simulator(cluster: Cluster) -> Simulator:
    return Simulator(api=cluster)  # type: ignore[arg-type]


def test_nodes_follow_the_map(cluster: Cluster) -> None:
    runs = simulator(cluster)
    cluster.declare("1", gpu=PROFILE)
    runs.look()
    assert len(cluster.nodes) == 3
    cluster.declare("2", gpu=PROFILE | {"nodes": 1})
    runs.look()
    assert list(cluster.nodes) == ["dev-gpu-0"]
    cluster.maps = []
    runs.look()
    assert cluster.nodes == {}


def test_other_nodes_are_left_alone(cluster: Cluster) -> None:
    cluster.create(codecs.from_dict({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "testbed-0"}}))
    simulator(cluster).look()
    assert list(cluster.nodes) == ["testbed-0"]


def test_a_node_of_another_size_is_a_new_node(cluster: Cluster) -> None:
    runs = simulator(cluster)
    cluster.declare("1", gpu=PROFILE)
    runs.look()
    before = cluster.nodes["dev-gpu-0"]
    cluster.declare("2", gpu=PROFILE | {"capacity": {"cpu": "64", "memory": "512Gi"}})
    runs.look()
    assert cluster.nodes["dev-gpu-0"].status.capacity["cpu"] == "64"
    assert cluster.nodes["dev-gpu-0"] is not before


def test_nodes_are_looked_at_when_a_map_has_changed_or_after_a_while(cluster: Cluster) -> None:
    runs = simulator(cluster)
    cluster.declare("1", gpu=PROFILE)
    for _ in range(runs.patience - 1):
        runs.look()
    assert cluster.asked_for_nodes == 1
    del cluster.nodes["dev-gpu-0"]
    runs.look()
    assert len(cluster.nodes) == 3


def test_a_map_is_taken_as_a_whole_or_not_at_all(cluster: Cluster) -> None:
    runs = simulator(cluster)
    cluster.declare("1", gpu=PROFILE, cpu="not a profile")
    runs.look()
    assert cluster.nodes == {}


def test_the_digest_tells_nodes_apart() -> None:
    (small,), (large,) = (
        wanted(declared(nodes=1, capacity=capacity), [])[0].values() for capacity in ({"cpu": "1"}, {"cpu": "2"})
    )
    assert digest_of(small) != digest_of(large)
