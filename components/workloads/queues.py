"""The queues of an environment as data. Pure."""

from __future__ import annotations

from enum import StrEnum, unique

from pydantic import Field

from components.spec import DnsLabel, Spec
from components.workloads.slurm import SlurmSpec

__all__ = ["QueueType", "WorkloadsSpec"]


@unique
class QueueType(StrEnum):
    """Who decides when a job starts in Kubernetes."""

    NONE = "none"
    """The scheduler alone: every pod waits for itself."""
    KUEUE = "kueue"
    """Kueue: a job starts when all that it asks for is free."""


class WorkloadsSpec(Spec):
    """How an environment runs batch jobs."""

    type: QueueType = QueueType.NONE
    queues: tuple[DnsLabel, ...] = Field(default=("batch",), min_length=1)
    """In Kubernetes labels, with Kueue its LocalQueues; in Slurm partitions."""
    slurm: SlurmSpec = SlurmSpec()
