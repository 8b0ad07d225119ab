"""The command line of ``bighpc drill``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from gitops.errors import CommandError

if TYPE_CHECKING:
    from gitops.drill.catalog import Drill
    from gitops.drill.ground import Ground

__all__ = ["command"]


def command(
    drill: Annotated[str, typer.Argument(help="Which one; `list` shows them all.")],
    environment: Annotated[str, typer.Argument(help="The environment, which has the name of its branch.")] = "dev",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only look, and say what would be done.")] = False,
    production: Annotated[bool, typer.Option("--production", help="Needed where the environment is prod.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as the last line, as JSON.")] = False,
    project: Annotated[str, typer.Option(help="The platform repository's project.")] = "bighpc/platform",
    fault_command: Annotated[
        str | None, typer.Option(envvar="BIGHPC_FAULT_COMMAND", help="What makes faults; see docs/operator.md.")
    ] = None,
    limit: Annotated[float, typer.Option(help="Seconds for one release.", min=1)] = 600,
) -> None:
    """Break an environment on purpose, restore it by `git revert`, and measure both.

    Ends with 0 when it is what it was before, 1 when not, or when the drill cannot be done. It needs KUBECONFIG,
    GITLAB_BASE_URL, GITLAB_TOKEN, and what `bighpc drift` needs.
    """
    from gitops.connection import Connection
    from gitops.drill.catalog import DRILLS
    from gitops.drill.command import run
    from gitops.drill.ground import Place, opened

    console = Console(stderr=True, highlight=False)
    if drill == "list":
        for each in DRILLS.values():
            typer.echo(f"{each.name:20} {each.about}")
        return
    wanted = _wanted(drill, fault_command)
    if environment == "prod" and not (production or dry_run):
        raise CommandError("a drill breaks what people work with in prod", "Say --production if you want that.")
    place = Place(environment=environment, project=project, limit_s=limit)
    with opened(place, Connection.from_environment(), console) as ground:
        if dry_run:
            raise typer.Exit(_told(wanted, ground))
        report = run(wanted, ground, fault_command, console)
    typer.echo("\n".join([report.sentence(environment), *([json.dumps(report.as_json())] if as_json else [])]))
    raise typer.Exit(0 if report.restored else 1)


def _wanted(name: str, fault_command: str | None) -> Drill:
    from gitops.drill import faults
    from gitops.drill.catalog import DRILLS

    if name not in DRILLS:
        raise CommandError(f"there is no drill {name}", f"There are {', '.join(DRILLS)}.")
    drill = DRILLS[name]
    if drill.fault:
        faults.check_command(fault_command, drill.fault.name)
    return drill


def _told(drill: Drill, ground: Ground) -> int:
    """Say what would be done; returns 1 when it could not begin now."""
    from gitops.drill.command import steps_of

    environment = ground.place.environment
    for number, step in enumerate(steps_of(drill, environment), 1):
        typer.echo(f"{number}. {step}")
    differences = ground.differences()
    typer.echo("; ".join(differences) or f"nothing in {environment} differs from its branch: it could begin")
    return 1 if differences else 0
