from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from components.workloads.workload_spec import at_once, seconds_of, workload_violations
from tests.unit.components.workloads.samples import SITE, workload


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("01:30:00", 5400), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("720:00:00", 2_592_000)],
)
def test_a_wall_time_is_written_as_people_and_slurm_write_it(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"name": "Flow"}, "lower-case letters"),
        ({"name": "f" * 53}, "1 to 52"),
        ({"image": "registry.example.org/flow"}, "has no tag"),
        ({"image": "registry.example.org/flow:latest"}, "the tag of registry.example.org/flow:latest is 'latest'"),
        ({"image": "flow:1 --writable"}, "a container image"),
        ({"command": []}, "at least 1 item"),
        ({"command": ["flow\0"]}, "NUL"),
        ({"memory": "lots"}, "a positive Kubernetes quantity"),
        ({"memory": "100m"}, "at least 1Mi of memory"),
        ({"cores": 0}, "greater than or equal to 1"),
        ({"wallTime": 5400}, "without quotes as one number"),
        ({"wallTime": "soon"}, "at most thirty days"),
        ({"wallTime": "31d"}, "at most thirty days"),
        ({"wallTime": "720:00:01"}, "at most thirty days"),
        ({"wallTime": "0s"}, "at most thirty days"),
        ({"tasks": 2, "array": 2}, "tasks is 2 and array is 2"),
        ({"env": {"API_TOKEN": "abc"}}, "API_TOKEN is written in the manifest"),
        ({"env": {"A B": "c"}}, "a letter or '_'"),
        ({"queue": "--qos=high"}, "RFC 1123"),
        ({"partition": "batch"}, "Extra inputs are not permitted"),
    ],
)
def test_a_workload_that_makes_no_sense_is_refused_with_the_rule(changes: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError) as refused:
        workload(**changes)
    assert rule in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "value", "rule"),
    [
        ({"queue": "night"}, "queue night is not in dev", "A queue is one of: batch."),
        ({"profile": "tpu"}, "profile tpu is not in dev", "A hardware profile is one of: cpu, gpu."),
        ({"cores": 65}, "cores 65", "A task fits one node; a node of cpu has cores 64."),
        ({"memory": "257Gi"}, "memory 257Gi", "A task fits one node; a node of cpu has memory 256Gi."),
        ({"accelerators": 1}, "accelerators 1", "A task fits one node; a node of cpu has accelerators 0."),
        ({"tasks": 5}, "5 tasks of this size", "All tasks run at the same time; all nodes of cpu (2) take 4."),
    ],
)
def test_what_the_site_does_not_have_is_refused(changes: dict[str, Any], value: str, rule: str) -> None:
    (found,) = workload_violations(workload(**changes), SITE)
    assert (found.subject, found.value, found.rule) == ("Workload flow", value, rule)
    assert found.remedy


def test_everything_that_the_site_does_not_have_is_told_at_once() -> None:
    found = list(workload_violations(workload(queue="night", cores=65, memory="1Ti", accelerators=2), SITE))
    assert [each.value for each in found] == ["queue night is not in dev", "cores 65", "memory 1Ti", "accelerators 2"]


def test_an_array_may_be_larger_than_the_site_and_its_runs_wait_for_each_other() -> None:
    array = workload(array=100)
    assert not list(workload_violations(array, SITE))
    assert at_once(array, SITE.profiles["cpu"]) == 4


def test_accelerators_limit_how_many_tasks_a_node_takes() -> None:
    spec = workload(profile="gpu", cores=1, memory="1Gi", accelerators=2, tasks=4)
    assert not list(workload_violations(spec, SITE))
    assert [each.value for each in workload_violations(spec.model_copy(update={"tasks": 5}), SITE)]
