"""The ``bighpc`` command: its own commands, and those that installed packages add.

A package adds a command by an entry point of the group ``bighpc.commands`` that names a Typer application.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gitops.answer import cli as answer
from gitops.drill import cli as drill
from gitops.errors import CommandError
from gitops.release import cli as release
from gitops.report import cli as report

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
    app.command("answer")(answer.command)
    app.command("drift")(_drift)
    app.command("promote")(_promote)
    app.command("release")(release.command)
    app.command("drill")(drill.command)
    app.command("report")(report.command)
    applications = typer.Typer(no_args_is_help=True, help="Look at what Argo CD delivers.")
    applications.callback()(_applications)
    applications.command("serve")(_serve_applications)
    app.add_typer(applications, name="applications")
    for command in sorted(commands, key=lambda each: each.name):
        try:
            app.add_typer(command.load(), name=command.name)
        except (ImportError, SyntaxError) as error:
            # A review must be able to tell of a syntax error in the program, which has commands too.
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


def _add_unavailable(app: typer.Typer, command: EntryPoint, error: ImportError | SyntaxError) -> None:
    """Keep a command that cannot be loaded in sight, with the reason."""
    remedy = f"Run: pip install 'bighpc[{command.name}]'" if isinstance(error, ImportError) else "Mend that file."

    def unavailable() -> None:
        raise CommandError(f"bighpc {command.name} is not available: {error}", remedy)

    app.command(
        command.name,
        help="(not available here: it cannot be loaded)",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )(unavailable)


def _root() -> None:
    """Run and inspect the BigHPC delivery platform."""


def _seed(
    group: Annotated[str, typer.Option(help="The platform's GitLab group.")] = "bighpc",
    source: Annotated[
        Path | None, typer.Option(help="The manifests; by default environments/ of the checkout.")
    ] = None,
    platform: Annotated[
        bool,
        typer.Option("--platform", help="The platform repository instead: push the commit of this checkout's HEAD."),
    ] = False,
) -> None:
    """Give each branch of the environment repository the applications that it lacks.

    What is there already is left alone, so it can run any time. GitLab is found by GITLAB_BASE_URL and GITLAB_TOKEN.
    """
    from gitops import seed
    from gitops.connection import Connection

    connection = Connection.from_environment()
    if platform:
        seed.seed_platform(group=group, checkout=Path.cwd(), connection=connection)
    else:
        seed.seed(group=group, source=source or seed.SOURCE, connection=connection)


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
    from gitops.review.command import Target, Wanted, review

    if merge_request is not None and project is None:
        raise CommandError("--merge-request without --project", "Name the project's path or number as well.")
    wanted = Wanted(
        directory=Path.cwd(),
        out=out,
        base=base,
        stacks=stack or (),
        refresh=refresh,
        limit_s=limit,
        target=Target(project=project, number=merge_request) if project and merge_request is not None else None,
    )
    if not review(wanted, Console(stderr=True, highlight=False)):
        raise typer.Exit(1)


def _drift(
    stack: Annotated[list[str] | None, typer.Option(help="Look at this stack; repeatable; by default all.")] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Say what resolves it; with --project, propose it.")] = False,
    out: Annotated[Path, typer.Option(help="Where the report and the logs go.")] = Path("drift"),
    limit: Annotated[float, typer.Option(help="Seconds for one run of the engine.", min=1)] = 1800,
    issue: Annotated[bool, typer.Option(help="Keep one GitLab issue per stack.")] = False,
    project: Annotated[
        str | None,
        typer.Option(envvar="CI_PROJECT_ID", help="The checkout's project, with the issues, by path or number."),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option(envvar="CI_COMMIT_BRANCH", help="What merge requests go to; by default the checkout's branch."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Compare program, recorded state and reality, and find what no program declares.

    Ends with 0 without drift, 7 with drift, 1 when it could not be told. GitLab is found by GITLAB_BASE_URL (or
    CI_SERVER_URL) and GITLAB_TOKEN, the cluster by the stack's settings or KUBECONFIG.
    """
    from gitops.drift.command import Request, drift, exit_code

    if issue and project is None:
        raise CommandError("--issue without --project", "Name the path or number of the project with the issues.")
    request = Request(
        directory=Path.cwd(),
        out=out,
        stacks=stack or (),
        limit_s=limit,
        propose=fix,
        project=project if issue else None,
        repository=project if fix else None,
        branch=branch,
    )
    found = drift(request, Console(stderr=True, highlight=False))
    if as_json:
        typer.echo(json.dumps([each.as_json() for each in found], indent=2, default=str))
    raise typer.Exit(exit_code(found))


def _promote(
    source: Annotated[str, typer.Argument(help="The environment to promote from: dev or preview.")],
    target: Annotated[str, typer.Argument(help="The next one: preview or prod.")],
    project: Annotated[
        str | None,
        typer.Option(envvar="CI_PROJECT_ID", help="The project, by path or number; by default bighpc/platform."),
    ] = None,
    repository: Annotated[
        str | None, typer.Option(help="Another repository of the group instead, for example environments.")
    ] = None,
    group: Annotated[str, typer.Option(help="The platform's GitLab group.")] = "bighpc",
    out: Annotated[Path, typer.Option(help="Where the logs of the target's preview go.")] = Path("promotion"),
    limit: Annotated[float, typer.Option(help="Seconds for the target's preview.", min=1)] = 1800,
) -> None:
    """Open the merge request that brings what runs in one environment to the next, with the evidence.

    Refuses what never ran in the source environment. Run again, it updates the open merge request. GitLab is found
    by GITLAB_BASE_URL (or CI_SERVER_URL) and GITLAB_TOKEN.
    """
    from gitops.connection import Connection
    from gitops.promote.command import Request, promote

    by_default = project or f"{group}/platform"
    request = Request(
        source=source,
        target=target,
        project=f"{group}/{repository}" if repository else by_default,
        directory=Path.cwd(),
        out=out,
        limit_s=limit,
    )
    promote(request, Connection.from_environment(), Console(stderr=True, highlight=False))


def _applications() -> None:
    """Look at what Argo CD delivers."""


def _serve_applications(
    server: Annotated[str | None, typer.Option(envvar="ARGOCD_SERVER_URL", help="Argo CD's address.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with a token of Argo CD; without it: ARGOCD_AUTH_TOKEN.")
    ] = None,
    ca_file: Annotated[Path | None, typer.Option(help="The authority of Argo CD's certificate.")] = None,
    port: Annotated[int, typer.Option(help="Where the page listens, on loopback.", min=1024, max=65535)] = 8088,
) -> None:
    """Show every application's objects, events, revisions and logs as a page that keeps itself up to date.

    It only reads. Whoever may call it sees what the token's account may see, so it listens on loopback.
    """
    from gitops.applications.argocd import Connection
    from gitops.applications.command import Request, serve

    connection = Connection.of(server, os.environ.get("ARGOCD_AUTH_TOKEN"), token_file, ca_file)
    serve(Request(connection=connection, port=port), Console(stderr=True, highlight=False))
