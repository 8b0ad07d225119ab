from __future__ import annotations

from typing import Any

import pytest

from components.workloads.job import job
from components.workloads.slurm import SlurmSpec, batch_script
from components.workloads.workload_spec import Site, WorkloadSpec
from policies.kinds import matches
from policies.pack import RULES
from policies.rule import Rule
from tests.unit.components.workloads.samples import SITE, workload
from tests.unit.policies.battery import violations

TOKEN = "kubernetes:batch/v1:Job"


def container(spec: WorkloadSpec, site: Site = SITE) -> dict[str, Any]:
    (only,) = job(spec, site)["spec"]["template"]["spec"]["containers"]
    return dict(only)


@pytest.mark.parametrize(
    "changes", [{}, {"array": 100}, {"tasks": 4, "retries": 3}, {"profile": "gpu", "accelerators": 2}]
)
def test_no_policy_has_anything_against_a_rendered_job(changes: dict[str, Any]) -> None:
    image = f"registry.example.org/flow@sha256:{64 * '0'}"
    rendered = job(workload(image=image, **changes), SITE, kueue=True)
    judges = [rule for rule in RULES if isinstance(rule, Rule) and matches(TOKEN, rule.kinds, rule.patches)]
    assert len(judges) > 15
    assert [found for rule in judges for found in violations(rule, TOKEN, rendered)] == []


def test_a_job_goes_to_the_nodes_of_its_profile() -> None:
    pod = job(workload(profile="gpu"), SITE)["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"bighpc.io/hardware-profile": "gpu"}
    assert pod["tolerations"] == [
        {"key": "bighpc.io/hardware-profile", "operator": "Equal", "value": "gpu", "effect": "NoSchedule"}
    ]
    assert pod["priorityClassName"] == "bighpc-dev-gpu"


def test_a_task_gets_exactly_what_it_asks_for() -> None:
    resources = container(workload(profile="gpu", accelerators=2))["resources"]
    asked = {"cpu": "16", "memory": "100Gi", "nvidia.com/gpu": "2"}
    assert resources == {"requests": asked, "limits": asked}


def test_the_wall_time_counts_from_when_a_pod_has_a_node() -> None:
    content = job(workload(array=8, retries=1), SITE)["spec"]
    assert content["template"]["spec"]["activeDeadlineSeconds"] == 5400
    # Two rounds of four, each tried twice, after a week of waiting.
    assert content["activeDeadlineSeconds"] == 7 * 86400 + 2 * 2 * 5400


def test_how_long_it_seems_to_run_is_said_to_simulated_nodes_alone() -> None:
    template = job(workload(simulatedTime="1m30s"), SITE)["spec"]["template"]
    assert template["metadata"]["annotations"] == {"bighpc.io/simulated-seconds": "90"}
    assert "annotations" not in job(workload(), SITE)["spec"]["template"]["metadata"]
    assert batch_script(workload(simulatedTime="90s"), SITE, SlurmSpec()) == batch_script(workload(), SITE, SlurmSpec())


def test_tasks_fail_together_and_the_runs_of_an_array_each_for_itself() -> None:
    tasks, array = (job(workload(retries=2, **each), SITE)["spec"] for each in ({"tasks": 4}, {"array": 9}))
    assert (tasks["completions"], tasks["parallelism"], tasks["backoffLimit"]) == (4, 4, 2)
    assert (array["completions"], array["parallelism"], array["backoffLimitPerIndex"]) == (9, 4, 2)
    assert tasks["completionMode"] == array["completionMode"] == "Indexed"
    assert "completionMode" not in job(workload(), SITE)["spec"]


def test_a_job_of_kueue_waits_until_it_is_let_start() -> None:
    rendered = job(workload(), SITE, kueue=True)
    assert rendered["spec"]["suspend"] is True
    assert rendered["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "batch"
    alone = job(workload(), SITE)
    assert "suspend" not in alone["spec"]
    assert "kueue.x-k8s.io/queue-name" not in alone["metadata"]["labels"]


def test_kubernetes_expands_nothing_in_what_people_wrote() -> None:
    made = container(workload(command=["echo", "$(HOME)", "$$(HOME)"], env={"PRICE": "$(TMPDIR)"}))
    # "$$" is one dollar to it, and "$(" behind one is not read again.
    assert made["command"] == ["echo", "$$(HOME)", "$$$$(HOME)"]
    assert {"name": "PRICE", "value": "$$(TMPDIR)"} in made["env"]
