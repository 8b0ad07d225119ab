"""The command line of ``bighpc drill``."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from gitops.errors import CommandError

__all__ = ["command"]


def command(
    drill: Annotated[str, typer.Argument(help="Which one; `list` shows them all.")],
    environment: Annotated[str, typer.Argument(help="The environment, which has the name of its branch.")] = "dev",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at the environment, and say what would be done.")] = (
        False
    ),
    production: Annotated[bool, typer.Option("--production", help="Needed where the environment is prod.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as the last line, as JSON.")] = False,
    project: Annotated[str, typer.Option(help="The platform repository's project.")] = "bighpc/platform",
    fault_command: Annotated[
        str | None,
        typer.Option(envvar="BIGHPC_FAULT_COMMAND", help="What makes faults; see docs/operator.md."),
    ] = None,
    limit: Annotated[float, typer.Option(help="Seconds for one release.", min=1)] = 600,
) -> None:
    """Break an environment on purpose, restore it by `git revert`, and measure both.

    Ends with 0 when it is what it was before, 1 when not, or when the drill cannot be done. It needs KUBECONFIG,
    GITLAB_BASE_URL, GITLAB_TOKEN, and what `bighpc drift` needs.
    """
    from gitops.connection import Connection
    from gitops.drill import faults
    from gitops.drill.catalog import DRILLS
    from gitops.drill.command import run, steps_of
    from gitops.drill.ground import Place, opened

    console = Console(stderr=True, highlight=False)
    if drill == "list":
        for each in DRILLS.values():
            typer.echo(f"{each.name:20} {each.about}")
        return
    if drill not in DRILLS:
        raise CommandError(f"there is no drill {drill}", f"There are {', '.join(DRILLS)}.")
    if environment == "prod" and not (production or dry_run):
        raise CommandError(
            "a drill breaks what people work with in prod", "Say --production when that is what you want."
        )
    wanted = DRILLS[drill]
    if wanted.fault:
        faults.check_command(fault_command, wanted.fault.name)
    place = Place(environment=environment, project=project, limit_s=limit)
    with opened(place, Connection.from_environment(), console) as ground:
        if dry_run:
            for number, step in enumerate(steps_of(wanted, environment), 1):
                typer.echo(f"{number}. {step}")
            differences = ground.differences()
            typer.echo("; ".join(differences) or f"nothing in {environment} differs from its branch: it could begin")
            raise typer.Exit(1 if differences else 0)
        report = run(wanted, ground, fault_command, console)
    detected, restored = report.time_to_detect_s, report.time_to_restore_s
    verdict = "restored" if report.restored else "NOT restored"
    typer.echo(f"{drill} in {environment}: {verdict}; time to detect {detected} s, time to restore {restored} s")
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    if not report.restored:
        raise typer.Exit(1)
