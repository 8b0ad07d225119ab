"""What the policies cost: a preview with the pack beside the same preview without it.

Two stacks: the platform's own dev stack, which needs a running platform (``eval "$(bighpc testbed env)"``), and a stack
of many applications whose providers accept everything, so that the pack's share is not hidden behind a server. Both
previews run in turns, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.preview import ROOT, Contender, captured, make_stack
from tests.integration.policy_program import PACK, declare, workspace
from tests.unit.policies.stack_battery import APPLICATION, ENVIRONMENT, changed

__all__ = ["Comparison", "main"]

LARGEST = {"dev": 1.15, "applications": 1.25}
"""How many times as long a preview with the pack may take."""


@dataclass
class Comparison:
    """One stack, previewed with and without the pack."""

    name: str
    preview: Callable[[tuple[str, ...]], object]
    """Previews the stack with further arguments."""
    without: list[float] = field(default_factory=list)
    with_pack: list[float] = field(default_factory=list)

    def measure(self, runs: int, console: Console) -> None:
        """Preview both ways in turns, after one round that does not count."""
        for run in range(runs + 1):
            for seconds, arguments in ((self.without, ()), (self.with_pack, PACK)):
                started = time.perf_counter()
                self.preview(arguments)
                took = time.perf_counter() - started
                if run:
                    seconds.append(took)
                what = "with the pack" if arguments else "without"
                console.print(f"{self.name} {what}, {f'run {run} of {runs}' if run else 'warm-up'}: {took:.2f} s")

    @property
    def ratio(self) -> float:
        """How many times as long the preview takes with the pack."""
        return statistics.median(self.with_pack) / statistics.median(self.without)


def _dev(scratch: Path) -> Comparison:
    environment = _environment(scratch)
    configuration = make_stack(Contender("platform", ROOT, "dev"), scratch, environment)
    command = (
        *("pulumi", "preview", "--non-interactive", "--stack", "dev"),
        *("--cwd", str(ROOT), "--config-file", str(configuration)),
    )
    return Comparison("dev", lambda arguments: captured((*command, *arguments), environment))


def _environment(scratch: Path) -> Mapping[str, str]:
    environment = {
        **os.environ,
        "PULUMI_BACKEND_URL": f"file://{scratch}",
        "PULUMI_CONFIG_PASSPHRASE": "bench",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
    return environment


def _applications(scratch: Path, number: int) -> Comparison:
    made = workspace(scratch)
    names = (f"application-{each}" for each in range(number))
    declare(made, [*ENVIRONMENT, *(changed(APPLICATION, {"metadata name": name}, name) for name in names)])
    command = ("pulumi", "preview", "--non-interactive", "--stack", "dev", "--cwd", str(made.directory))
    return Comparison("applications", lambda arguments: captured((*command, *arguments), made.environment))


def _table(comparisons: Sequence[Comparison]) -> Table:
    table = Table("stack", "runs", "without", "with the pack", "ratio", "at most")
    for each in comparisons:
        medians = (f"{statistics.median(seconds):.2f} s" for seconds in (each.without, each.with_pack))
        table.add_row(each.name, str(len(each.without)), *medians, f"{each.ratio:.2f}", f"{LARGEST[each.name]:.2f}")
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a preview fails or the pack costs too much."""
    parser = argparse.ArgumentParser(prog="python -m bench.policies", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="previews of each kind that count (default: 5)")
    parser.add_argument("--applications", type=int, default=1000, help="how many the second stack has (default: 1000)")
    parser.add_argument("--stack", choices=LARGEST, help="measure this one only")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="bighpc-bench-") as scratch:
        root = Path(scratch)
        comparisons = []
        if options.stack != "applications":
            comparisons.append(_dev(root))
        if options.stack != "dev":
            comparisons.append(_applications(root / "many", options.applications))
        try:
            for each in comparisons:
                each.measure(options.runs, console)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            console.print(f"error: {error}", markup=False)
            return 1
    console.print(_table(comparisons))
    return 0 if all(each.ratio <= LARGEST[each.name] for each in comparisons) else 1


if __name__ == "__main__":
    sys.exit(main())
