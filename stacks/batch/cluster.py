"""Jobs in the cluster: handing them in, waiting for them, and reading when what happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, cast

import httpx2
from lightkube import ApiError, Client
from lightkube.models.batch_v1 import JobStatus
from lightkube.models.core_v1 import PodStatus
from lightkube.resources.batch_v1 import Job
from lightkube.resources.core_v1 import Pod

from components.vocabulary import HARDWARE_LABEL, QUEUE_LABEL, SIMULATED_WORD
from gitops.cluster import reason
from gitops.errors import CommandError
from stacks.batch.times import JobTimes

__all__ = ["finished_jobs", "job_times", "submit"]

_JOB_NAME: Final = "batch.kubernetes.io/job-name"
_CHUNK: Final = 500
"""Objects per answer of the API server."""


def submit(client: Client, content: Mapping[str, Any]) -> None:
    """Create a Job.

    Raises:
        CommandError: when the cluster does not take it, with its reason.
    """
    name = content["metadata"]["name"]
    try:
        client.create(cast(Job, Job.from_dict(dict(content))))
    except ApiError as error:
        if error.status.code == 409:
            raise CommandError(
                f"there is a job {name} already", f"Give this one another name, or delete the old one: job/{name}."
            ) from None
        raise CommandError(
            f"the cluster does not take the job {name}: {reason(error)}", "Correct what it names; nothing was changed."
        ) from None
    except httpx2.HTTPError as error:
        raise CommandError(f"the cluster does not answer: {reason(error)}", "Look whether it runs.") from None


def finished_jobs(client: Client, namespace: str, labels: Mapping[str, str] | None = None) -> list[JobTimes]:
    """Return the times of the finished jobs that have a queue.

    Raises:
        CommandError: when the cluster does not answer.
    """
    wanted: dict[str, Any] = {QUEUE_LABEL: None, **(labels or {})}
    try:
        jobs = client.list(Job, namespace=namespace, labels=wanted, chunk_size=_CHUNK)
        pods = client.list(Pod, namespace=namespace, labels=wanted, chunk_size=_CHUNK)
        return list(job_times(jobs, pods))
    except (ApiError, httpx2.HTTPError) as error:
        raise CommandError(
            f"the jobs of {namespace} cannot be read: {reason(error)}", "Look whether the cluster runs."
        ) from None


def job_times(jobs: Iterable[Job], pods: Iterable[Pod]) -> Iterator[JobTimes]:
    """Yield the times of the jobs that have finished.

    Args:
        jobs: the jobs.
        pods: their pods, which tell when a job got its first node, and when its last task was done; without any, it
            got it when it was let start, and was done when the cluster took note of that, which can be much later.
    """
    first: dict[str, datetime] = {}
    last: dict[str, datetime] = {}
    simulated: set[str] = set()
    for pod in pods:
        name = ((pod.metadata and pod.metadata.labels) or {}).get(_JOB_NAME)
        if not name or not pod.status:
            continue
        if began := pod.status.startTime:
            first[name] = min(began, first.get(name, began))
        for ended in _ends(pod.status):
            last[name] = max(ended, last.get(name, ended))
        if (pod.status.message or "").startswith(SIMULATED_WORD):
            simulated.add(name)
    for each in jobs:
        meta, status = each.metadata, each.status
        end = _end(status) if status else None
        if meta is None or status is None or end is None or not meta.creationTimestamp:
            continue
        succeeded, noted = end
        labels, admitted = meta.labels or {}, status.startTime or noted
        yield JobTimes(
            queue=labels.get(QUEUE_LABEL, ""),
            profile=labels.get(HARDWARE_LABEL, ""),
            submitted=meta.creationTimestamp,
            admitted=admitted,
            started=first.get(meta.name or "", admitted),
            # What a failed job leaves unfinished is removed with it, and no pod tells when.
            finished=last.get(meta.name or "", noted) if succeeded else noted,
            succeeded=succeeded,
            simulated=meta.name in simulated,
        )


def _ends(status: PodStatus) -> Iterator[datetime]:
    """When the containers of a pod were done."""
    for container in status.containerStatuses or ():
        ended = container.state and container.state.terminated and container.state.terminated.finishedAt
        if ended:
            yield ended


def _end(status: JobStatus) -> tuple[bool, datetime] | None:
    """Whether a job succeeded, and when it was over."""
    for condition in status.conditions or ():
        if condition.type in {"Complete", "Failed"} and condition.status == "True" and condition.lastTransitionTime:
            return condition.type == "Complete", status.completionTime or condition.lastTransitionTime
    return None
