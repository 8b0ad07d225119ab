from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from components.workloads.slurm import SlurmSpec, batch_script
from tests.integration.slurm import Slurm, running_slurm
from tests.unit.components.workloads.samples import SITE, workload

pytestmark = pytest.mark.integration

SMALL: dict[str, Any] = {"cores": 1, "memory": "128Mi", "wallTime": "5m"}


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    with running_slurm() as running:
        yield running


def script(**changes: Any) -> str:
    return batch_script(workload(**(SMALL | changes)), SITE, SlurmSpec(containers=False))


def test_a_rendered_job_runs_with_just_what_it_asked_for(slurm: Slurm, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = script(
        command=[
            "sh",
            "-c",
            'echo "$GREETING, $SLURM_JOB_NAME; left behind: $LEFT"; echo "$1"',
            "sh",
            "a; b $(id) 'c'",
        ],
        env={"GREETING": "hello $USER"},
        cores=2,
    )
    job = Slurm(root=slurm.root, environment={**slurm.environment, "LEFT": "secret"}).submit(asked)
    (end,) = slurm.finished(job)
    assert (end["JobState"], end["ExitCode"]) == ("COMPLETED", "0:0"), slurm.output(job)
    assert slurm.output(job) == "hello $USER, flow; left behind: \na; b $(id) 'c'\n"
    assert (end["Partition"], end["NumCPUs"], end["MinMemoryNode"]) == ("batch", "2", "128M")
    assert (end["TimeLimit"], end["Comment"]) == ("00:05:00", "dev/fluids")


def test_the_exit_code_of_the_program_is_the_jobs(slurm: Slurm) -> None:
    (end,) = slurm.finished(slurm.submit(script(command=["sh", "-c", "exit 7"])))
    assert (end["JobState"], end["ExitCode"]) == ("FAILED", "7:0")


def test_a_failed_job_is_tried_again(slurm: Slurm) -> None:
    counting = 'echo again >> tries; [ "$(wc -l < tries)" -ge 3 ]'
    job = slurm.submit(script(command=["sh", "-c", counting], retries=2))
    (end,) = slurm.finished(job)
    assert end["JobState"] == "COMPLETED", slurm.output(job)
    assert (slurm.root / "tries").read_text() == "again\n" * 3


def test_tasks_run_at_the_same_time_and_each_knows_its_number(slurm: Slurm) -> None:
    # Each waits for the other three, so one after the other they would never end.
    meeting = 'touch "met-$JOB_COMPLETION_INDEX"; until [ "$(ls met-* | wc -l)" -eq 4 ]; do sleep 0.1; done'
    (end,) = slurm.finished(slurm.submit(script(command=["sh", "-c", meeting], tasks=4)))
    assert end["JobState"] == "COMPLETED"
    assert sorted(path.name for path in slurm.root.glob("met-*")) == [f"met-{number}" for number in range(4)]


def test_each_run_of_an_array_knows_its_number(slurm: Slurm) -> None:
    job = slurm.submit(script(command=["sh", "-c", 'echo "run $JOB_COMPLETION_INDEX"'], array=5))
    ends = slurm.finished(job)
    assert [end["JobState"] for end in ends] == ["COMPLETED"] * 5
    assert [slurm.output(f"{job}_{number}") for number in range(5)] == [f"run {number}\n" for number in range(5)]


def test_a_job_that_is_not_done_in_its_wall_time_is_cancelled(slurm: Slurm) -> None:
    job = slurm.submit(script(command=["sleep", "300"], wallTime="1m"))
    running = slurm.running(job)
    begin, end = (datetime.fromisoformat(running[key]) for key in ("StartTime", "EndTime"))
    assert end - begin == timedelta(minutes=1)
    # Slurm looks every half minute; the test does not wait for the minute itself.
    slurm.run("scontrol", "update", f"JobId={job}", "EndTime=now+3")
    (over,) = slurm.finished(job, limit=50)
    assert over["JobState"] == "TIMEOUT"
    assert "DUE TO TIME LIMIT" in slurm.output(job)


@pytest.mark.parametrize("changes", [{"queue": "night"}, {"cores": 64}, {"memory": "64Gi"}])
def test_slurm_itself_refuses_what_it_does_not_have(slurm: Slurm, changes: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="Batch job submission failed"):
        slurm.submit(script(**changes))
