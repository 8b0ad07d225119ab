"""What the ``bighpc`` command has of the program: ``bighpc check``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

__all__ = ["app"]

app = typer.Typer(help="Look whether a stack can be brought up from here.", pretty_exceptions_show_locals=False)


@app.callback(invoke_without_command=True)
def check(
    stack: Annotated[str, typer.Option("--stack", "-s", help="The stack: dev, preview or prod.")],
) -> None:
    """Look at everything that a stack needs, change nothing, and say what is wrong and what to do.

    Stack files, fleet, versions, GitLab with token and group, clocks, cluster and registry. The exit code is 1 when
    something is wrong.
    """
    from stacks.examination import examine

    console = Console()
    findings = examine(stack)
    table = Table(show_header=False, box=None, pad_edge=False)
    for finding in findings:
        mark = "[red]wrong[/]" if finding.problems else "[green]ok[/]"
        table.add_row(mark, finding.subject, finding.said)
    console.print(table)
    # A broken fleet is found twice: by itself, and because the stack cannot be read with it.
    problems = list(dict.fromkeys(problem for finding in findings for problem in finding.problems))
    for number, problem in enumerate(problems, start=1):
        console.print(f"\n{number}. {problem}", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1 if problems else 0)
