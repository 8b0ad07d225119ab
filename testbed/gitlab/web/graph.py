"""A pipeline as a graph: stages are columns, jobs are boxes, needs are lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from testbed.gitlab.pipelines.statuses import compose
from testbed.gitlab.store import Job

__all__ = ["Graph", "Stage", "draw", "stages_of"]

# In pixels; the style sheet has the same numbers.
COLUMN = 216
GAP = 56
ROW = 52
BOX = 44
HEAD = 40


@dataclass(frozen=True)
class Stage:
    """A column."""

    name: str
    status: str
    jobs: list[Job]


@dataclass(frozen=True)
class Graph:
    """Columns, and the lines between boxes as SVG paths."""

    stages: list[Stage]
    lines: list[str]
    width: int
    height: int


def stages_of(jobs: Sequence[Job]) -> list[Stage]:
    """The stages of jobs of one pipeline, in order, each with the status of its jobs together."""
    ordered = sorted(jobs, key=lambda job: (job.stage_index, job.id))
    grouped = [(name, list(found)) for (_, name), found in groupby(ordered, lambda job: (job.stage_index, job.stage))]
    return [Stage(name, compose(found), found) for name, found in grouped]


def draw(jobs: Sequence[Job]) -> Graph:
    """The graph of a pipeline's jobs. A need inside one stage has no line; the list of jobs names it."""
    stages = stages_of(jobs)
    place = {job.name: (column, row) for column, stage in enumerate(stages) for row, job in enumerate(stage.jobs)}
    lines = [
        _line(place[need["job"]], place[job.name])
        for job in jobs
        for need in job.needs or ()
        if need["job"] in place and place[need["job"]][0] < place[job.name][0]
    ]
    tallest = max((len(stage.jobs) for stage in stages), default=0)
    return Graph(stages, lines, len(stages) * (COLUMN + GAP) - GAP, HEAD + tallest * ROW)


def _line(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] * (COLUMN + GAP) + COLUMN, HEAD + start[1] * ROW + BOX // 2
    x2, y2 = end[0] * (COLUMN + GAP), HEAD + end[1] * ROW + BOX // 2
    bend = x2 - GAP // 2
    return f"M{x1} {y1}H{bend - 20}C{bend} {y1} {bend - 8} {y2} {bend + 12} {y2}H{x2}"
