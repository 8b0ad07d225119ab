"""Several long runs at a time, with a line of progress for each."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

__all__ = ["Job", "run_all"]

Result = TypeVar("Result")
Job = Callable[[Callable[[str], None]], Result]
"""Something to run; it gets a function that it tells where it is."""


def run_all(jobs: Mapping[str, Job[Result]], console: Console) -> list[Result]:
    """Run the jobs, as many at a time as the machine has cores for, and return their results in order.

    Args:
        jobs: what to run, by what people call it.
        console: where progress goes.

    Raises:
        Exception: what the first job raised that failed, when all have ended.
    """
    if not jobs:
        return []
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with (
        # A log has no line that can be written again.
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
        ThreadPoolExecutor(max_workers=min(len(jobs), os.cpu_count() or 1)) as pool,
    ):

        def tell(title: str, line: TaskID, words: str) -> None:
            progress.update(line, description=f"{title}: {words}")

        runs = []
        for title, job in jobs.items():
            line = progress.add_task(f"{title}: waits for its turn")
            runs.append(pool.submit(job, partial(tell, title, line)))
        return [run.result() for run in runs]
