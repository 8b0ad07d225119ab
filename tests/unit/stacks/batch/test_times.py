from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Pod

from stacks.batch.cluster import job_times
from stacks.batch.times import JobTimes, summaries

START = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def finished(queued: int, waited: int, ran: int, *, queue: str = "batch", succeeded: bool = True) -> JobTimes:
    return JobTimes(
        queue=queue,
        profile="cpu",
        submitted=START,
        admitted=after(queued),
        started=after(queued + waited),
        finished=after(queued + waited + ran),
        succeeded=succeeded,
    )


def test_each_queue_and_profile_has_its_own_quantiles() -> None:
    jobs = [finished(each, 2, 10) for each in range(1, 101)]
    night = finished(5, 0, 1, queue="night", succeeded=False)
    batch, other = summaries([*jobs, night])
    assert (batch.queue, batch.succeeded, batch.failed) == ("batch", 100, 0)
    queued = batch.seconds["queue"]
    assert (queued.median, queued.p95, queued.max) == (50.5, 95, 100)
    assert batch.seconds["wait"].max == 2
    assert batch.seconds["run"].median == 10
    assert (other.queue, other.succeeded, other.failed) == ("night", 0, 1)


def moment(seconds: int) -> str:
    return after(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def a_job(**status: Any) -> Job:
    labels = {"bighpc.io/queue": "batch", "bighpc.io/hardware-profile": "cpu"}
    metadata = {"name": "flow", "labels": labels, "creationTimestamp": moment(0)}
    return cast(Job, Job.from_dict({"metadata": metadata, "status": status}))


def a_pod(start: int, end: int | None = None, **status: Any) -> Pod:
    labels = {"batch.kubernetes.io/job-name": "flow"}
    state = {"terminated": {"exitCode": 0, "finishedAt": moment(end)}} if end else {"running": {}}
    container = {"name": "workload", "image": "", "imageID": "", "ready": False, "restartCount": 0, "state": state}
    status |= {"startTime": moment(start), "containerStatuses": [container]}
    return cast(Pod, Pod.from_dict({"metadata": {"labels": labels}, "status": status}))


def test_a_job_waits_until_its_first_pod_has_a_node_and_runs_until_the_last_is_done() -> None:
    complete = {"type": "Complete", "status": "True", "lastTransitionTime": moment(31)}
    job = a_job(startTime=moment(4), completionTime=moment(30), conditions=[complete])
    (times,) = job_times([job], [a_pod(12), a_pod(10)])
    assert [times.seconds(kind) for kind in ("queue", "wait", "run")] == [4, 6, 20]
    assert times.succeeded


def test_a_job_has_run_until_its_last_task_was_done_though_the_cluster_notes_it_later() -> None:
    complete = {"type": "Complete", "status": "True", "lastTransitionTime": moment(90)}
    job = a_job(startTime=moment(4), completionTime=moment(90), conditions=[complete])
    (times,) = job_times([job], [a_pod(12, 30), a_pod(10, 25)])
    assert times.seconds("run") == 20


def test_what_only_seemed_to_run_is_counted() -> None:
    complete = {"type": "Complete", "status": "True", "lastTransitionTime": moment(9)}
    job = a_job(startTime=moment(1), conditions=[complete])
    pods = [a_pod(2, 8, message="simulated, no container ran")], [a_pod(2, 8)]
    seemed, ran = (list(job_times([job], each)) for each in pods)
    assert [summaries(each)[0].simulated for each in (seemed, ran, [*seemed, *ran])] == [1, 0, 1]


def test_a_failed_job_is_over_when_it_was_given_up() -> None:
    failed = {"type": "Failed", "status": "True", "lastTransitionTime": moment(9)}
    (times,) = job_times([a_job(startTime=moment(1), conditions=[failed])], [a_pod(1, 3)])
    assert (times.seconds("run"), times.succeeded) == (8, False)


def test_a_job_that_still_runs_has_no_times() -> None:
    assert list(job_times([a_job(startTime=moment(1), active=1)], [])) == []
