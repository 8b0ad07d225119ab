"""What waiting for a release costs: the operator beside a bare ``pulumi up``, and beside the operator as it comes.

Three figures, each over several rounds on stack ``dev`` of a running testbed (``eval "$(bighpc testbed env)"``), whose
branch ``dev`` runs already (``bighpc release dev``):

- from the moment that a commit may run to the operator's ``pulumi up``; the gate comes before and is not counted
- the operator's whole run, beside ``pulumi up`` of the same kind of change by hand: without the preview that usually
  comes first, as the operator does it, and as a person types it
- from the push of a revert to the environment that runs it, gate included; beside the operator that follows the branch
  by itself, without a gate, as it comes
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import yaml
from lightkube.types import PatchType
from rich.console import Console
from rich.table import Table

from bench.preview import LIMIT, ROOT, captured
from gitops.cluster import connect
from gitops.connection import Connection
from gitops.drill.changes import another_value
from gitops.drill.ground import Ground, Place, opened
from gitops.errors import CommandError
from gitops.release.follow import Follower
from gitops.release.outcome import Outcome
from gitops.release.stack_object import STACK, StackObject
from testbed.delivery.operator import is_updating
from testbed.existing import load_context
from testbed.host.supervision import Supervisor
from testbed.layout import Layout

__all__ = ["main"]

ENVIRONMENT = "dev"
NAMESPACE = "pulumi-operator"
JUDGED = "by hand, without preview"
FIGURES = ("start", "run", "by hand", JUDGED, "revert", "as it comes")


class Operator:
    """The testbed's operator: its object of the stack, and its processes."""

    def __init__(self) -> None:
        context = load_context(Layout(name=os.environ["BIGHPC_TESTBED"]))
        pid = Supervisor(context.layout).states()["pulumi-kubernetes-operator"].pid
        self._process = psutil.Process(pid)
        self.client = connect({})
        self.stack = StackObject(self.client, ENVIRONMENT, NAMESPACE, partial(connect, {}))

    def run(self, commit: str) -> tuple[float, float]:
        """Have it run a commit: seconds until its ``pulumi up`` began, and until it had ended."""
        begun, started, ended = time.monotonic(), [0.0], threading.Event()
        watcher = threading.Thread(target=self._watch, args=(begun, started, ended))
        watcher.start()
        follower = Follower(
            stack=self.stack,
            commit=commit,
            may_replace=lambda _: True,
            console=Console(quiet=True),
            limit_s=LIMIT,
        )
        outcome = follower.run()
        ended.set()
        watcher.join()
        if outcome is not Outcome.RELEASED:
            raise CommandError(f"the operator ended with {outcome.name}", "Look at its log: bighpc testbed logs.")
        return started[0], time.monotonic() - begun

    def _watch(self, begun: float, started: list[float], ended: threading.Event) -> None:
        while not ended.is_set():
            if is_updating(self._process):
                started[0] = time.monotonic() - begun
                return
            ended.wait(0.05)

    def follow_branch(self, follow: bool, commit: str) -> None:
        """Have the operator follow the branch by itself, or wait for releases again."""
        spec: dict[str, Any] = {"branch": f"refs/heads/{ENVIRONMENT}", "commit": None}
        self.client.patch(
            STACK,
            self.stack.name,
            {"spec": spec if follow else {"branch": None, "commit": commit}},
            namespace=NAMESPACE,
            patch_type=PatchType.MERGE,
        )

    def wait_for(self, commit: str) -> None:
        """Wait until it has brought a commit up by itself."""
        deadline = time.monotonic() + LIMIT
        while self.stack.read().succeeded != commit:
            if time.monotonic() > deadline:
                raise CommandError(f"the operator did not run {commit[:8]} within {LIMIT} s", "Look at its log.")
            time.sleep(0.2)


def _by_hand(cores: int, scratch: Path, *options: str) -> float:
    """``pulumi up`` of another quota of cores; returns seconds."""
    document = yaml.safe_load((ROOT / f"Pulumi.{ENVIRONMENT}.yaml").read_text())
    document["config"]["bighpc:testbed"]["quota"]["cpu"] = cores
    file = scratch / f"Pulumi.{ENVIRONMENT}.yaml"
    file.write_text(json.dumps(document))
    command = ("pulumi", "up", "--yes", *options, "--non-interactive", "--stack", ENVIRONMENT)
    return _timed(lambda: captured((*command, "--config-file", str(file))))


def _timed(do: Callable[[], object]) -> float:
    begun = time.monotonic()
    do()
    return time.monotonic() - begun


def _released(ground: Ground, commit: str) -> None:
    ended = ground.release(commit)
    if ended != "released":
        raise CommandError(f"the release of {commit[:8]} ended with: {ended}", "Look at what is printed above.")


def _measure(ground: Ground, operator: Operator, rounds: int, console: Console) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in FIGURES}

    def note(name: str, value: float) -> None:
        seconds[name].append(value)
        console.print(f"{name}: {value:.1f} s", markup=False)

    with tempfile.TemporaryDirectory(prefix="bighpc-bench-") as scratch:
        for number in range(rounds):
            commit = ground.push(another_value, "bench")
            started, whole = operator.run(commit)
            note("start", started)
            note("run", whole)
            note("by hand", _by_hand(20 + number, Path(scratch)))
            note(JUDGED, _by_hand(40 + number, Path(scratch), "--skip-preview"))
            begun = time.monotonic()
            _released(ground, ground.revert(commit))
            note("revert", time.monotonic() - begun)
    head = ground.head
    operator.follow_branch(True, head)
    try:
        # Most of it is the operator's polling, a minute each time: a few rounds tell.
        for _ in range(min(rounds, 2)):
            begun = time.monotonic()
            commit = ground.push(another_value, "bench")
            operator.wait_for(commit)
            note("as it comes", time.monotonic() - begun)
            head = ground.revert(commit)
            operator.wait_for(head)
    finally:
        operator.follow_branch(False, head)
    return seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when something fails or takes longer than it may."""
    parser = argparse.ArgumentParser(prog="python -m bench.release", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="(default: 5)")
    options = parser.parse_args(arguments)
    console = Console(highlight=False)
    place = Place(environment=ENVIRONMENT, project="bighpc/platform", limit_s=LIMIT)
    try:
        with opened(place, Connection.from_environment(), Console(quiet=True)) as ground:
            seconds = _measure(ground, Operator(), options.rounds, console)
    except (CommandError, subprocess.CalledProcessError) as error:
        console.print(f"error: {error}", markup=False)
        return 1
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = {name: middle["run"] / middle[name] for name in (JUDGED, "by hand")}
    shown = Table("figure", "median", "at most")
    shown.add_row("from the released commit to `pulumi up`", f"{middle['start']:.1f} s", "3 s")
    for name, ratio in ratios.items():
        both = f"{middle['run']:.1f} s / {middle[name]:.1f} s = {ratio:.2f}"
        shown.add_row(f"the operator's whole run / {name}", both, "1.50" if name == JUDGED else "")
    shown.add_row("from the push of a revert to the environment that runs it", f"{middle['revert']:.1f} s", "60 s")
    shown.add_row("the operator as it comes: from a push to its run", f"{middle['as it comes']:.1f} s", "")
    console.print(shown)
    return 0 if middle["start"] <= 3 and ratios[JUDGED] <= 1.5 and middle["revert"] < 60 else 1


if __name__ == "__main__":
    sys.exit(main())
