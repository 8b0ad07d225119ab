"""What the ``bighpc`` command has for batch jobs: ``bighpc workloads``."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import yaml
from rich.console import Console
from rich.table import Table

from gitops.errors import CommandError

if TYPE_CHECKING:
    from lightkube import Client

    from stacks.batch.files import Batch
    from stacks.batch.times import Summary
    from stacks.environments import Environment

__all__ = ["app"]

app = typer.Typer(
    help="Batch jobs from files: look at them, hand them in, and see how long they took.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)


class Form(StrEnum):
    """Where a workload runs."""

    KUBERNETES = "kubernetes"
    SLURM = "slurm"


File = Annotated[Path, typer.Argument(help="The workload, as YAML.")]
Stack = Annotated[str, typer.Option("--stack", "-s", help="Whose hardware and queues: dev, preview or prod.")]
As = Annotated[Form, typer.Option("--as", help="As a Kubernetes Job, or as a Slurm batch script.")]


@app.command()
def render(file: File, stack: Stack = "dev", form: As = Form.KUBERNETES) -> None:
    """Check a workload against a stack, and print what would be handed in."""
    batch = _read(file, stack)
    typer.echo(batch.as_script() if form is Form.SLURM else yaml.safe_dump(batch.as_job(), sort_keys=False), nl=False)


@app.command()
def submit(file: File, stack: Stack = "dev", form: As = Form.KUBERNETES) -> None:
    """Check a workload against a stack, and hand it in: to the stack's cluster, or to this machine's Slurm."""
    batch = _read(file, stack)
    if form is Form.SLURM:
        typer.echo(f"job {_sbatch(batch.as_script())}")
        return
    from stacks.batch import cluster

    cluster.submit(_client(stack), batch.as_job())
    typer.echo(f"job {batch.site.namespace}/{batch.spec.name}")


@app.command()
def report(
    stack: Stack = "dev", machine: Annotated[bool, typer.Option("--json", help="Print JSON, in seconds.")] = False
) -> None:
    """Print how long the finished jobs of a stack were queued, waited and ran, by queue and hardware profile."""
    from stacks.batch.cluster import finished_jobs
    from stacks.batch.times import summaries

    found = summaries(finished_jobs(_client(stack), _environment(stack).namespace))
    if machine:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2))
    else:
        Console().print(table(found))


def table(found: list[Summary]) -> Table:
    """Return what people are shown."""
    from stacks.batch.times import KINDS

    shown = Table(title="Seconds: median/95 %/longest", title_justify="left")
    for heading in ("queue", "profile", "done", "failed", "simulated", *KINDS):
        shown.add_column(heading, justify="left" if heading in {"queue", "profile"} else "right")
    for each in found:
        spread = (each.seconds[kind] for kind in KINDS)
        shown.add_row(
            each.queue,
            each.profile,
            str(each.succeeded),
            str(each.failed),
            str(each.simulated),
            *(f"{part.median:.0f}/{part.p95:.0f}/{part.max:.0f}" for part in spread),
        )
    return shown


def _read(file: Path, stack: str) -> Batch:
    from stacks.batch.files import read_batch
    from stacks.problems import ConfigurationError

    try:
        return read_batch(file, _environment(stack))
    except ConfigurationError as error:
        raise CommandError(str(error), "Correct them, and run the command again.") from None


def _environment(stack: str) -> Environment:
    from stacks.environments import Environment

    try:
        return Environment(stack)
    except ValueError:
        raise CommandError(
            f"there is no stack {stack}", f"Use one of these after --stack: {', '.join(Environment)}."
        ) from None


def _client(stack: str) -> Client:
    from gitops.cluster import connect
    from stacks.check import ROOT
    from stacks.documents import read_mapping
    from stacks.settings import stack_file

    path = ROOT / stack_file(_environment(stack).stack)
    return connect(read_mapping(path, path.name).get("config") or {})


def _sbatch(script: str) -> str:
    try:
        done = subprocess.run(["sbatch", "--parsable"], input=script, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CommandError(
            "there is no sbatch here", "Run this on a login node of a site with Slurm, or use --as kubernetes."
        ) from None
    if done.returncode != 0:
        raise CommandError(
            f"Slurm does not take the job: {' '.join(done.stderr.split())}",
            "Look with sinfo whether the partition and its nodes are there.",
        )
    return done.stdout.strip()
