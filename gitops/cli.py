"""The ``bighpc`` command: its own commands, and those that installed packages add.

A package adds a command by an entry point of the group ``bighpc.commands`` that names a Typer application.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gitops.errors import CommandError

__all__ = ["ENTRY_POINTS", "build_app", "main"]

ENTRY_POINTS = "bighpc.commands"


def build_app(commands: Iterable[EntryPoint]) -> typer.Typer:
    """Return the whole command line.

    Args:
        commands: the entry points of further commands.
    """
    app = typer.Typer(
        name="bighpc",
        help="Run and inspect the BigHPC delivery platform.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,  # locals hold tokens
    )
    app.callback()(_root)
    app.command("seed")(_seed)
    app.command("review")(_review)
    for command in sorted(commands, key=lambda each: each.name):
        try:
            app.add_typer(command.load(), name=command.name)
        except ImportError as error:
            _add_unavailable(app, command, error)
    return app


def main() -> None:
    """Run the command line; a failure is a sentence and a non-zero exit code."""
    try:
        build_app(entry_points(group=ENTRY_POINTS))()
    except CommandError as error:
        console = Console(stderr=True)
        console.print("error:", error.reason, style="bold red", highlight=False, markup=False, soft_wrap=True)
        console.print(error.remedy, highlight=False, markup=False, soft_wrap=True)
        sys.exit(1)


def _add_unavailable(app: typer.Typer, command: EntryPoint, error: ImportError) -> None:
    """Keep a command whose packages are not installed in sight, with the reason."""

    def unavailable() -> None:
        raise CommandError(
            f"bighpc {command.name} is not available: {error}", f"Run: pip install 'bighpc[{command.name}]'"
        )

    app.command(
        command.name,
        help="(not available here: packages are missing)",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(unavailable)


def _root() -> None:
    """Run and inspect the BigHPC delivery platform."""


def _seed(
    group: Annotated[str, typer.Option(help="The platform's GitLab group.")] = "bighpc",
    source: Annotated[
        Path | None, typer.Option(help="The manifests; by default environments/ of the checkout.")
    ] = None,
) -> None:
    """Give each branch of the environment repository the applications that it lacks.

    What is there already is left alone, so it can run any time. GitLab is found by GITLAB_BASE_URL and GITLAB_TOKEN.
    """
    from gitops import seed
    from gitops.connection import Connection

    seed.seed(group=group, source=source or seed.SOURCE, connection=Connection.from_environment())


def _review(
    stack: Annotated[list[str] | None, typer.Option(help="Preview this stack whatever changed; repeatable.")] = None,
    base: Annotated[
        str | None,
        typer.Option(
            envvar="CI_MERGE_REQUEST_DIFF_BASE_SHA", help="What the change is compared with; without it: all stacks."
        ),
    ] = None,
    refresh: Annotated[bool, typer.Option(help="Compare with reality, not with the recorded state.")] = False,
    out: Annotated[Path, typer.Option(help="Where the note, the reports and the logs go.")] = Path("review"),
    limit: Annotated[float, typer.Option(help="Seconds for one preview.", min=1)] = 1800,
    merge_request: Annotated[
        int | None, typer.Option(envvar="CI_MERGE_REQUEST_IID", help="Tell it on this merge request.")
    ] = None,
    project: Annotated[
        str | None, typer.Option(envvar="CI_MERGE_REQUEST_PROJECT_ID", help="The merge request's project.")
    ] = None,
) -> None:
    """Preview every stack that a change can touch, with the policies, and tell it on the merge request.

    Ends with 1 when a preview fails or a mandatory policy is violated. GitLab is found by GITLAB_BASE_URL (or
    CI_SERVER_URL) and GITLAB_TOKEN.
    """
    from gitops.review.command import Target, review

    if merge_request is not None and project is None:
        raise CommandError("--merge-request without --project", "Name the project's path or number as well.")
    fine = review(
        directory=Path.cwd(),
        out=out,
        base=base,
        stacks=stack or (),
        refresh=refresh,
        limit_s=limit,
        target=Target(project=project, number=merge_request) if project and merge_request is not None else None,
        console=Console(stderr=True, highlight=False),
    )
    if not fine:
        raise typer.Exit(1)
