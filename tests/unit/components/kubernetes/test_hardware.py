"""Hardware profiles: what is refused, what follows from one, and what is declared in the cluster."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.invariants.cluster import quota_limits_everything
from components.kubernetes.hardware import Hardware, HardwareArgs
from components.kubernetes.hardware_spec import HardwareProfileSpec, capacity, placement
from components.kubernetes.quotas import QuotaSpec, quotas
from components.kubernetes.testbed import Testbed, TestbedArgs, TestbedSpec
from stacks.problems import ConfigurationError, Problem
from stacks.settings import parse_stack
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]

NODE = {"nodes": 4, "cores": 32, "memory": "256Gi"}
GPUS = {"count": 4, "model": "a100"}
PROFILES = {
    "cpu": HardwareProfileSpec(nodes=4, cores=32, memory="256Gi"),
    "gpu": HardwareProfileSpec.model_validate(
        {**NODE, "nodes": 2, "accelerators": GPUS, "interconnect": "infiniband", "priority": 10}
    ),
}


def refused(hardware: Any) -> list[Problem]:
    with pytest.raises(ConfigurationError) as error:
        parse_stack({"testbed": {"hardware": hardware}}, "Pulumi.dev.yaml")
    return list(error.value.problems)


@pytest.mark.parametrize(
    ("profile", "value", "rule"),
    [
        ({**NODE, "nodes": 0}, "0", "greater than or equal to 1"),
        ({**NODE, "nodes": 10_001}, "10001", "less than or equal to 10000"),
        ({**NODE, "nodes": "four"}, "four", "whole number"),
        ({**NODE, "nodes": 1.5}, "1.5", "whole number"),
        ({**NODE, "cores": 0}, "0", "greater than or equal to 1"),
        ({**NODE, "cores": "500m"}, "500m", "whole number"),
        ({**NODE, "memory": "256GB"}, "256GB", "Kubernetes quantity"),
        ({**NODE, "memory": "-1Gi"}, "-1Gi", "positive Kubernetes quantity"),
        ({**NODE, "memory": "256"}, "", "at least 1Mi of memory, not 256"),
        ({"cores": 32, "memory": "1Gi"}, "nothing is set", "nodes is required"),
        ({**NODE, "gpus": 4}, "gpus", "only known keys"),
        ({**NODE, "pods": 0}, "0", "greater than or equal to 1"),
        ({**NODE, "accelerators": 4}, "4", "mapping"),
        ({**NODE, "accelerators": {"count": 0}}, "0", "greater than or equal to 1"),
        ({**NODE, "accelerators": {"count": 1, "resource": "gpu"}}, "gpu", "extended resource"),
        ({**NODE, "accelerators": {"count": 1, "resource": "kubernetes.io/gpu"}}, "kubernetes.io/gpu", "its vendor"),
        ({**NODE, "accelerators": {"count": 1, "model": "A100 80GB"}}, "A100 80GB", "label's value"),
        ({**NODE, "interconnect": "Infini Band"}, "Infini Band", "lower-case"),
        ({**NODE, "labels": {"-rack": "r1"}}, "-rack", "label's key"),
        ({**NODE, "labels": {"rack": "row 1"}}, "row 1", "label's value"),
        ({**NODE, "labels": {"rack": 7}}, "7", "text"),
        ({**NODE, "labels": {"kubernetes.io/hostname": "n1"}}, "", "selects one node; nodes is 4"),
        ({**NODE, "taints": [{"key": "gpu", "effect": "Never"}]}, "Never", "NoSchedule"),
        ({**NODE, "taints": [{"key": "a"}, {"key": "a", "value": "b"}]}, "", "a node has a taint once; a"),
        ({**NODE, "taints": [{"key": "a/b/c"}]}, "a/b/c", "label's key"),
        ({**NODE, "priority": 2_000_000_000}, "2000000000", "less than or equal to 1000000"),
    ],
)
def test_a_profile_that_cannot_be_is_refused_with_its_value_the_rule_and_a_remedy(
    profile: dict[str, Any], value: str, rule: str
) -> None:
    (problem,) = refused({"big": profile})
    assert problem.where.startswith("Pulumi.dev.yaml, testbed.hardware")
    assert "big" in f"{problem.where} {problem.value}"
    assert value in problem.value
    assert rule in problem.rule
    assert problem.remedy


def test_every_bad_profile_is_listed_at_once() -> None:
    bad = {f"p{number}": {**NODE, "memory": "lots"} for number in range(5)}
    assert len(refused(bad)) == 5


@pytest.mark.parametrize("name", ["GPU", "gpu_large", "-gpu", "g" * 41, "", "storage"])
def test_a_profiles_name_names_nodes_and_classes(name: str) -> None:
    (problem,) = refused({name: NODE})
    assert "named after it" in problem.rule


def test_two_profiles_that_mean_the_same_nodes_are_refused() -> None:
    same = {**NODE, "labels": {"partition": "long"}}
    (problem,) = refused({"a": same, "b": same})
    assert "profiles a and b select the same nodes by {'partition': 'long'}" in problem.rule


def test_a_node_has_the_profiles_labels_taints_and_resources() -> None:
    node = PROFILES["gpu"].node("gpu")
    assert node["labels"] == {
        "bighpc.io/hardware-profile": "gpu",
        "bighpc.io/interconnect": "infiniband",
        "bighpc.io/accelerator": "a100",
    }
    assert node["taints"] == [{"key": "bighpc.io/hardware-profile", "value": "gpu", "effect": "NoSchedule"}]
    assert node["capacity"] == {"cpu": "32", "memory": "256Gi", "pods": "110", "nvidia.com/gpu": "4"}


def test_a_pod_selects_and_tolerates_what_the_sites_nodes_have() -> None:
    profile = HardwareProfileSpec.model_validate(
        {**NODE, "labels": {"partition": "long"}, "taints": [{"key": "batch", "value": "yes", "effect": "NoExecute"}]}
    )
    placed = placement("long", profile, "prod")
    assert placed.node_selector == {"partition": "long"}
    assert placed.tolerations == ({"key": "batch", "operator": "Equal", "value": "yes", "effect": "NoExecute"},)
    assert placed.priority_class == "bighpc-prod-long"


def test_storage_and_accelerators_stand_in_a_quota_of_everybody() -> None:
    made = quotas(QuotaSpec(), PROFILES, "dev")
    assert set(made) == {"quota", "quota-storage", "quota-cpu", "quota-gpu"}
    assert made["quota-storage"] == {
        "hard": {"requests.storage": "100Gi", "persistentvolumeclaims": "10", "requests.nvidia.com/gpu": "8"}
    }


@given(st.dictionaries(st.from_regex(r"[a-z]{1,7}", fullmatch=True), st.integers(1, 100), max_size=5))
def test_every_quota_of_pods_passes_the_policy(sizes: dict[str, int]) -> None:
    profiles = {name: HardwareProfileSpec(nodes=size, cores=size, memory=f"{size}Gi") for name, size in sizes.items()}
    made = quotas(QuotaSpec(), profiles, "dev")
    assert len(made) == (len(profiles) + 2 if profiles else 1)
    for name, spec in made.items():
        assert not list(quota_limits_everything(name, {"spec": spec}))


def test_a_quota_counts_the_pods_of_its_profile_alone() -> None:
    made = quotas(QuotaSpec(), PROFILES, "dev")

    def scope(name: str) -> tuple[str, list[str]]:
        (expression,) = made[name]["scopeSelector"]["matchExpressions"]
        assert expression["scopeName"] == "PriorityClass"
        return expression["operator"], expression["values"]

    assert scope("quota-gpu") == ("In", ["bighpc-dev-gpu"])
    assert scope("quota") == ("NotIn", ["bighpc-dev-cpu", "bighpc-dev-gpu"])


def test_without_hardware_there_is_one_quota() -> None:
    assert set(quotas(QuotaSpec(), {}, "dev")) == {"quota"}


def test_the_capacity_is_written_as_kubernetes_writes_it() -> None:
    assert capacity(PROFILES.values()) == {"cpu": "192", "pods": "660", "nvidia.com/gpu": "8", "memory": "1536Gi"}


def declared() -> object:
    testbed = Testbed(
        "testbed",
        TestbedArgs(spec=TestbedSpec(hardware=PROFILES), environment="dev", namespace="bighpc-dev"),
    )
    return Hardware(
        "hardware",
        HardwareArgs(profiles=PROFILES, environment="dev", owner="hpc-team", namespace=testbed.namespace),
    )


def test_the_cluster_is_told_of_every_profile(build: Build) -> None:
    done = build(declared)
    content = done.named("hardware-map").inputs
    assert content["metadata"]["name"] == "hardware-profiles"
    assert set(content["data"]) == {"cpu", "gpu"}
    assert json.loads(content["data"]["gpu"]) == {"nodes": 2, **PROFILES["gpu"].node("gpu")}


def test_the_pods_of_a_profile_have_a_class_that_preempts_nobody(build: Build) -> None:
    done = build(declared)
    gpu = done.named("hardware-gpu").inputs
    assert (gpu["metadata"]["name"], gpu["value"], gpu["preemptionPolicy"]) == ("bighpc-dev-gpu", 10, "Never")


def test_a_profile_has_a_quota(build: Build) -> None:
    hard = build(declared).named("testbed-quota-gpu").inputs["spec"]["hard"]
    assert (hard["limits.cpu"], hard["limits.memory"], hard["pods"]) == ("64", "512Gi", "220")
