"""How long a preview of the dev stack takes, beside a flat program that declares the same resources.

Both run on the same engine, plugins, cluster and GitLab, from an empty state of their own, in turns, so that a busy
machine slows both. It needs a running platform: ``eval "$(bighpc testbed env)"``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

__all__ = ["LIMIT", "ROOT", "Contender", "captured", "main", "make_stack", "measure", "ratio"]

ROOT = Path(__file__).parents[1]
LIMIT = 300  # seconds for one preview
NOT_COMPARED = ("pulumi:", "bighpc:")
"""Types that only structure a program."""


@dataclass
class Contender:
    """A program to preview."""

    name: str
    directory: Path
    stack: str
    seconds: list[float] = field(default_factory=list)
    resources: Counter[str] = field(default_factory=Counter)

    @property
    def median(self) -> float:
        """The median of its runs."""
        return statistics.median(self.seconds)


def ratio(platform: Contender, flat: Contender) -> float:
    """Return how many times as long the platform takes."""
    return platform.median / flat.median


def measure(contenders: Sequence[Contender], runs: int, console: Console) -> None:
    """Preview each contender ``runs`` times, in turns, after one run that does not count.

    Raises:
        subprocess.CalledProcessError: when a preview fails.
        ValueError: when the programs do not declare the same resources.
    """
    with tempfile.TemporaryDirectory(prefix="bighpc-bench-") as scratch:
        environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{scratch}",
            "PULUMI_CONFIG_PASSPHRASE": "bench",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }
        environment.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
        settings = [make_stack(contender, Path(scratch), environment) for contender in contenders]
        for run in range(runs + 1):
            for contender, configuration in zip(contenders, settings, strict=True):
                took, contender.resources = _preview(contender, configuration, environment)
                if run:
                    contender.seconds.append(took)
                console.print(f"{contender.name}, {f'run {run} of {runs}' if run else 'warm-up'}: {took:.2f} s")
    first, *others = contenders
    for other in others:
        if other.resources != first.resources:
            difference = (first.resources - other.resources) + (other.resources - first.resources)
            raise ValueError(f"{first.name} and {other.name} declare different resources: {dict(difference)}")


def make_stack(contender: Contender, scratch: Path, environment: Mapping[str, str]) -> Path:
    """Make an empty stack, with the salt of its secrets outside of the checkout; return its file."""
    directory = scratch / contender.name
    directory.mkdir()
    shutil.copy(contender.directory / "Pulumi.yaml", directory)
    stack_file = f"Pulumi.{contender.stack}.yaml"
    if (contender.directory / stack_file).exists():
        lines = (contender.directory / stack_file).read_text().splitlines(keepends=True)
        salts = ("encryptionsalt:", "encryptedkey:", "secretsprovider:")
        (directory / stack_file).write_text("".join(line for line in lines if not line.startswith(salts)))
    captured(("pulumi", "stack", "init", contender.stack, "--cwd", str(directory)), environment)
    return directory / stack_file


def _preview(contender: Contender, configuration: Path, environment: Mapping[str, str]) -> tuple[float, Counter[str]]:
    command = (
        *("pulumi", "preview", "--json", "--non-interactive", "--stack", contender.stack),
        *("--cwd", str(contender.directory), "--config-file", str(configuration)),
    )
    started = time.perf_counter()
    output = captured(command, environment)
    took = time.perf_counter() - started
    types = (step["urn"].split("::")[2].rpartition("$")[2] for step in json.loads(output)["steps"])
    return took, Counter(each for each in types if not each.startswith(NOT_COMPARED))


def captured(command: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run a command in the checkout and return what it printed; where it fails, what it said is shown.

    Raises:
        subprocess.CalledProcessError: when it fails.
    """
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise subprocess.CalledProcessError(done.returncode, command)
    return done.stdout


def _table(contenders: Sequence[Contender]) -> Table:
    table = Table("program", "resources", "runs", "median", "fastest", "slowest")
    for contender in contenders:
        low, high = min(contender.seconds), max(contender.seconds)
        numbers = (contender.resources.total(), len(contender.seconds))
        table.add_row(contender.name, *map(str, numbers), *(f"{each:.2f} s" for each in (contender.median, low, high)))
    return table


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a preview fails or the programs differ."""
    parser = argparse.ArgumentParser(prog="python -m bench.preview", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="previews of each program that count (default: 5)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    contenders = [Contender("platform", ROOT, "dev"), Contender("flat", ROOT / "bench" / "flat", "dev")]
    try:
        measure(contenders, options.runs, console)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, ValueError) as error:
        console.print(f"error: {error}", markup=False)
        return 1
    console.print(_table(contenders))
    console.print(f"platform / flat: {ratio(*contenders):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
