"""How long jobs were queued, waited and ran. Pure."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

__all__ = ["KINDS", "JobTimes", "Quantiles", "Summary", "summaries"]

KINDS: Final[Mapping[str, str]] = {
    "queue": "from its submission until its queue lets it start",
    "wait": "from then until its first task has a node",
    "run": "from then until its last task is done",
}


@dataclass(frozen=True, kw_only=True)
class JobTimes:
    """When what happened to a finished job; Kubernetes tells whole seconds."""

    queue: str
    profile: str
    submitted: datetime
    admitted: datetime
    started: datetime
    finished: datetime
    succeeded: bool
    simulated: bool = False
    """Whether no container of it ran: its nodes were simulated, and its run time was chosen."""

    def seconds(self, kind: str) -> float:
        """Return one of ``KINDS`` in seconds."""
        moments = {"queue": (self.submitted, self.admitted), "wait": (self.admitted, self.started)}
        begin, end = moments.get(kind, (self.started, self.finished))
        return max(0.0, (end - begin).total_seconds())


@dataclass(frozen=True, kw_only=True)
class Quantiles:
    """How one of ``KINDS`` is spread, in seconds."""

    median: float
    p95: float
    max: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The finished jobs of one queue on one profile."""

    queue: str
    profile: str
    succeeded: int
    failed: int
    simulated: int
    """How many of both only seemed to run."""
    seconds: Mapping[str, Quantiles]
    """By ``KINDS``."""


def summaries(jobs: Iterable[JobTimes]) -> list[Summary]:
    """Return a summary for each queue and profile, by name."""
    groups: dict[tuple[str, str], list[JobTimes]] = defaultdict(list)
    for each in jobs:
        groups[each.queue, each.profile].append(each)
    return [
        Summary(
            queue=queue,
            profile=profile,
            succeeded=sum(each.succeeded for each in group),
            failed=sum(not each.succeeded for each in group),
            simulated=sum(each.simulated for each in group),
            seconds={kind: _quantiles([each.seconds(kind) for each in group]) for kind in KINDS},
        )
        for (queue, profile), group in sorted(groups.items())
    ]


def _quantiles(seconds: list[float]) -> Quantiles:
    ordered = sorted(seconds)
    # The nearest rank: a time that one of the jobs really had.
    return Quantiles(
        median=statistics.median(ordered), p95=ordered[math.ceil(0.95 * len(ordered)) - 1], max=ordered[-1]
    )
