"""The command line of ``bighpc report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

__all__ = ["command"]


def command(
    project: Annotated[
        str | None,
        typer.Option(envvar="CI_PROJECT_ID", help="The project with the deployments, by path or number."),
    ] = None,
    drift: Annotated[
        Path | None, typer.Option(help="Where `bighpc drift --out <directory>/<stack>` wrote what it found.")
    ] = None,
    audit: Annotated[
        Path | None, typer.Option(help="Where the output of `pulumi policy analyze` is, as <stack>.log.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where report.md goes.")] = Path("report"),
) -> None:
    """Write one page that says what runs where: updates, deployments, drift, policies and addresses.

    It reads what is on record and compares nothing anew. GitLab is found by GITLAB_BASE_URL (or CI_SERVER_URL) and
    GITLAB_TOKEN.
    """
    from gitops.report.command import Request, report

    request = Request(directory=Path.cwd(), out=out, project=project, drift=drift, audit=audit)
    report(request, Console(stderr=True, highlight=False))
