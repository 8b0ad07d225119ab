"""The command line of ``bighpc answer``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

__all__ = ["command"]


def command(
    project: Annotated[
        str, typer.Option(envvar=["CI_MERGE_REQUEST_PROJECT_ID", "CI_PROJECT_ID"], help="By path or number.")
    ],
    merge_request: Annotated[
        int | None,
        typer.Option(envvar="CI_MERGE_REQUEST_IID", help="Answer on this merge request; by default on all open ones."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the reports and the logs go.")] = Path("answers"),
    limit: Annotated[float, typer.Option(help="Seconds for one preview.", min=1)] = 1800,
    protected: Annotated[
        bool,
        typer.Option(
            "--hand-over/--here",
            envvar="CI_COMMIT_REF_PROTECTED",
            help="Without --merge-request: start the merge request's own pipeline instead of running its code here.",
        ),
    ] = False,
) -> None:
    """Answer what people ask with /preview or /explain in the discussions of merge requests.

    Each note is answered once, in its discussion, when its author has the role Developer or more. GitLab is found by
    GITLAB_BASE_URL (or CI_SERVER_URL), and REVIEW_TOKEN or GITLAB_TOKEN.
    """
    # Every command would wait for what this one alone needs.
    from gitops.answer.command import Request, answer

    request = Request(
        directory=Path.cwd(),
        out=out,
        project=project,
        number=merge_request,
        limit_s=limit,
        hand_over=protected and merge_request is None,
    )
    answer(request, Console(stderr=True, highlight=False))
