"""The command line of ``bighpc release``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

__all__ = ["command"]


def command(
    environment: Annotated[str, typer.Argument(help="The environment, which has the name of its branch.")],
    commit: Annotated[
        str | None, typer.Option(envvar="CI_COMMIT_SHA", help="What to release; by default the head of the branch.")
    ] = None,
    project: Annotated[
        str, typer.Option(envvar="CI_PROJECT_ID", help="The platform repository's project, by path or number.")
    ] = "bighpc/platform",
    context: Annotated[str | None, typer.Option(help="The kubeconfig's context; by default its current one.")] = None,
    namespace: Annotated[str, typer.Option(help="Where the operator's Stack object is.")] = "pulumi-operator",
    lock_limit: Annotated[
        float | None, typer.Option(envvar="BIGHPC_LOCK_LIMIT", help="Seconds after which a lock counts as stale.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the gate's reports go when it runs here.")] = Path("release"),
    limit: Annotated[float, typer.Option(help="Seconds for the gate, and again for the operator.", min=1)] = 1800,
) -> None:
    """Let the operator bring a commit of an environment branch up, once it has passed the gate.

    Ends with 0 when it runs (also when it did before), 1 when it is refused or cannot be released, 3 when a newer one
    is there, 4 when the operator failed, 5 when it took too long. It needs KUBECONFIG, GITLAB_BASE_URL, GITLAB_TOKEN.
    """
    from gitops.connection import Connection
    from gitops.release.command import Request, release
    from gitops.release.pipeline import Pipeline

    request = Request(
        environment=environment,
        commit=commit,
        project=project,
        context=context,
        namespace=namespace,
        pipeline=Pipeline.of(os.environ),
        directory=Path.cwd(),
        out=out,
        limit_s=limit,
        lock_limit_s=lock_limit,
    )
    console = Console(stderr=True, highlight=False)
    raise typer.Exit(int(release(request, Connection.from_environment(), console)))
