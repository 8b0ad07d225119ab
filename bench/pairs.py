"""Two ways to do one thing, timed in turns in one run, so that a busy machine slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

__all__ = ["Pair", "Way", "table"]


@dataclass
class Way:
    """One of the two."""

    name: str
    do: Callable[[], object]
    seconds: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of its runs, in seconds."""
        return statistics.median(self.seconds)


@dataclass
class Pair:
    """What is measured, and what it is measured against."""

    name: str
    plain: Way
    ours: Way
    largest: float
    """How many times as long ours may take."""

    def measure(self, runs: int, console: Console) -> None:
        """Do both in turns, after one round that does not count."""
        for run in range(runs + 1):
            for way in (self.plain, self.ours):
                started = time.perf_counter()
                way.do()
                took = time.perf_counter() - started
                if run:
                    way.seconds.append(took)
                which = f"run {run} of {runs}" if run else "warm-up"
                console.print(f"{self.name}, {way.name}, {which}: {took:.2f} s", markup=False)

    @property
    def ratio(self) -> float:
        """How many times as long ours takes."""
        return self.ours.median / self.plain.median

    @property
    def kept(self) -> bool:
        """Whether ours takes no longer than it may."""
        return self.ratio <= self.largest


def table(pairs: list[Pair]) -> Table:
    """The medians and their ratios."""
    shown = Table("what", "plain", "seconds", "ours", "seconds", "ratio", "at most")
    for pair in pairs:
        ways = (cell for way in (pair.plain, pair.ours) for cell in (way.name, f"{way.median:.2f}"))
        shown.add_row(pair.name, *ways, f"{pair.ratio:.2f}", f"{pair.largest:.2f}")
    return shown
