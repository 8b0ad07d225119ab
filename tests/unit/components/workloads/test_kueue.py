"""Batch queues for Kueue: what follows from queues and hardware, and what is declared."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from components.kubernetes.hardware_spec import HardwareProfileSpec, placement
from components.workloads.batch_queues import BatchQueues, BatchQueuesArgs
from components.workloads.job import KUEUE_QUEUE_LABEL, job
from components.workloads.kueue import cluster_queue, flavor, flavor_name, shared_names
from components.workloads.workload_spec import Site, WorkloadSpec
from policies.pack import RULES
from tests.conftest import Recorder
from tests.unit.components.judging import violations

Build = Callable[[Callable[[], object]], Recorder]


def profile(**data: Any) -> HardwareProfileSpec:
    return HardwareProfileSpec.model_validate_json(json.dumps(data))


PROFILES = {
    "cpu": profile(nodes=4, cores=32, memory="256Gi"),
    "gpu": profile(nodes=2, cores=16, memory="512Gi", accelerators={"count": 8, "model": "a100"}),
    "fpga": profile(
        nodes=1,
        cores=8,
        memory="64Gi",
        accelerators={"count": 2, "resource": "example.org/fpga"},
        labels={"site.example.org/partition": "fpga"},
        taints=[],
    ),
}
ARGS = BatchQueuesArgs(
    queues=("batch", "long"),
    hardware=PROFILES,
    environment="dev",
    owner="platform",
    namespace="bighpc-dev",
    namespace_name="bighpc-dev",
)


def test_a_flavor_is_the_nodes_of_a_profile_and_what_keeps_others_off_them() -> None:
    assert flavor("gpu", PROFILES["gpu"]) == {
        "nodeLabels": {"bighpc.io/hardware-profile": "gpu"},
        "nodeTaints": [{"key": "bighpc.io/hardware-profile", "value": "gpu", "effect": "NoSchedule"}],
    }
    assert flavor("fpga", PROFILES["fpga"]) == {"nodeLabels": {"site.example.org/partition": "fpga"}}


def test_a_queue_hands_out_what_all_nodes_of_each_profile_have() -> None:
    (group,) = cluster_queue(PROFILES, "dev", "bighpc-dev")["resourceGroups"]
    assert sorted(group["coveredResources"]) == ["cpu", "example.org/fpga", "memory", "nvidia.com/gpu"]
    quotas = {each["name"]: {r["name"]: r["nominalQuota"] for r in each["resources"]} for each in group["flavors"]}
    assert quotas["bighpc-dev-cpu"] == {"cpu": "128", "memory": "1Ti", "nvidia.com/gpu": "0", "example.org/fpga": "0"}
    assert quotas["bighpc-dev-gpu"]["nvidia.com/gpu"] == "16"


def test_every_flavor_says_something_about_every_resource_in_their_order() -> None:
    (group,) = cluster_queue(PROFILES, "dev", "bighpc-dev")["resourceGroups"]
    for each in group["flavors"]:
        assert [resource["name"] for resource in each["resources"]] == group["coveredResources"]


def test_only_jobs_of_the_environment_are_let_in() -> None:
    spec = cluster_queue(PROFILES, "dev", "bighpc-dev")
    assert spec["namespaceSelector"] == {"matchLabels": {"kubernetes.io/metadata.name": "bighpc-dev"}}


def test_a_job_of_the_environment_fits_the_flavor_of_its_profile_alone() -> None:
    site = Site(environment="dev", namespace="bighpc-dev", profiles=PROFILES, queues=("batch",))
    spec = WorkloadSpec.model_validate_json(
        json.dumps(
            {
                "name": "train",
                "owner": "fluids",
                "image": "registry.example.org/flow:1.2",
                "command": ["flow"],
                "cores": 8,
                "memory": "16Gi",
                "accelerators": 8,
                "profile": "gpu",
                "queue": "batch",
                "wallTime": "10m",
            }
        )
    )
    made = job(spec, site, kueue=True)
    assert made["metadata"]["labels"][KUEUE_QUEUE_LABEL] in ARGS.queues
    pod = made["spec"]["template"]["spec"]
    fitting = [
        name
        for name, each in PROFILES.items()
        if all(pod["nodeSelector"].get(key) == value for key, value in flavor(name, each)["nodeLabels"].items())
    ]
    assert fitting == ["gpu"]
    tolerated = [{key: each[key] for key in ("key", "value", "effect")} for each in pod["tolerations"]]
    assert all(taint in tolerated for taint in flavor("gpu", PROFILES["gpu"])["nodeTaints"])
    assert pod["priorityClassName"] == placement("gpu", PROFILES["gpu"], "dev").priority_class


def test_what_is_declared_and_in_which_order(build: Build) -> None:
    done = build(lambda: BatchQueues("queues", ARGS))
    made = [each for each in done.resources if each.token.startswith("kubernetes:kueue.x-k8s.io/v1beta1:")]
    kinds = [each.token.rpartition(":")[2] for each in made]
    assert sorted(kinds) == ["ClusterQueue", "LocalQueue", "LocalQueue", *["ResourceFlavor"] * 3]
    assert kinds.index("ClusterQueue") == 3, "after the flavors, before the queues in front of it"
    shared = {each.inputs["metadata"]["name"] for each in made if "namespace" not in each.inputs["metadata"]}
    assert shared == set(shared_names(PROFILES, "dev"))
    assert flavor_name("cpu", "dev") in shared
    for queue in ARGS.queues:
        inputs = done.named(f"queues-{queue}").inputs
        assert (inputs["metadata"]["namespace"], inputs["spec"]) == ("bighpc-dev", {"clusterQueue": "bighpc-dev"})


def test_the_policies_find_nothing_in_it(build: Build) -> None:
    assert violations(build(lambda: BatchQueues("queues", ARGS)), RULES) == []
