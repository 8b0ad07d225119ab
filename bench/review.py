"""What a review costs: ``bighpc review`` of every stack beside bare previews of the same stacks, one after another.

It needs a running platform: ``eval "$(bighpc testbed env)"``. Nothing is published.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.pairs import Pair, Way, table
from bench.preview import LIMIT, ROOT

__all__ = ["main"]

STACKS = ("dev", "preview", "prod")


def _bare() -> None:
    for stack in STACKS:
        _run("pulumi", "preview", "--non-interactive", "--stack", stack)


def _review(out: Path) -> None:
    _run(str(Path(sys.executable).with_name("bighpc")), "review", "--out", str(out))


def _run(*command: str) -> None:
    subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=3 * LIMIT, check=True, stdin=subprocess.DEVNULL
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when something fails or the review costs too much."""
    parser = argparse.ArgumentParser(prog="python -m bench.review", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="rounds that count (default: 5)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory(prefix="bighpc-bench-") as scratch:
        ours = Way("review of all three", lambda: _review(Path(scratch)))
        pair = Pair("three stacks", Way("previews in turn", _bare), ours, largest=1.3)
        try:
            pair.measure(options.runs, console)
        except subprocess.CalledProcessError as error:
            console.print(f"error: {error}\n{error.stdout}{error.stderr}", markup=False)
            return 1
    console.print(table([pair]))
    return 0 if pair.kept else 1


if __name__ == "__main__":
    sys.exit(main())
