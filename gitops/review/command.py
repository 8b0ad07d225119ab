"""``bighpc review``: previews what a change touches, and tells it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import gitlab
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gitops.connection import Connection
from gitops.errors import CommandError
from gitops.review import engine, reports
from gitops.review.impact import Impact, impact, stacks_of
from gitops.review.note import Origin, render
from gitops.review.plan import Plan
from gitops.review.publish import publish_note, publish_status

__all__ = ["Target", "review"]

_GIT_LIMIT_S: Final = 60


@dataclass(frozen=True, kw_only=True)
class Target:
    """The merge request to tell it on."""

    project: str
    """Number or path."""
    number: int
    """The merge request's ``iid``."""


def review(
    *,
    directory: Path,
    out: Path,
    base: str | None,
    stacks: Sequence[str],
    refresh: bool,
    limit_s: float,
    target: Target | None,
    console: Console,
) -> bool:
    """Preview the stacks that a change can touch, write the reports, and publish the note.

    Args:
        directory: the checkout, with the change in it.
        out: where note, reports and logs go.
        base: what the change is compared with, a commit or branch; without it every stack counts as touched.
        stacks: preview these whatever the change touches.
        refresh: compare with reality instead of with the recorded state.
        limit_s: seconds for one preview.
        target: the merge request; without it nothing is published.
        console: where progress and the summary go.

    Returns:
        Whether the change may be merged.

    Raises:
        CommandError: when the review itself cannot be done.
    """
    out.mkdir(parents=True, exist_ok=True)
    touched, untouched = _select(directory, base, stacks)
    for each in (*touched, *untouched):
        console.print(f"{each.stack}: {'' if each.affected else 'not '}affected, because {each.because}", markup=False)
    plans = _preview([each.stack for each in touched], directory, out, console, refresh=refresh, limit_s=limit_s)
    origin = Origin(
        commit=_git(directory, "rev-parse", "HEAD").strip(),
        job_url=os.environ.get("CI_JOB_URL"),
        artifact_url=_artifact(out),
    )
    body = render(plans, untouched, origin)
    _write(out, plans, render(plans, untouched, origin, limit=10**9))
    for plan in plans:
        _print(plan, console)
    if target is not None:
        _publish(target, plans, body, origin, console)
    return not any(plan.failed for plan in plans)


def _select(directory: Path, base: str | None, stacks: Sequence[str]) -> tuple[list[Impact], list[Impact]]:
    known = stacks_of(directory)
    unknown = [name for name in stacks if name not in known]
    if unknown:
        raise CommandError(
            f"no such stack: {', '.join(unknown)}", f"Name stacks that have a file here: {', '.join(known)}."
        )
    if stacks:
        found = [Impact(stack=name, affected=name in stacks, because="you named the stacks") for name in known]
    elif base is None:
        found = [Impact(stack=name, affected=True, because="there is nothing to compare with") for name in known]
    else:
        found = impact(directory, _changed(directory, base))
    return [each for each in found if each.affected], [each for each in found if not each.affected]


def _changed(directory: Path, base: str) -> list[str]:
    """The files that differ from where the change began, in the working tree too."""
    root = _git(directory, "merge-base", base, "HEAD").strip()
    tracked = _git(directory, "diff", "--name-only", "--no-renames", "-z", root)
    untracked = _git(directory, "ls-files", "--others", "--exclude-standard", "-z")
    return sorted({path for path in (tracked + untracked).split("\0") if path})


def _preview(
    names: Sequence[str], directory: Path, out: Path, console: Console, *, refresh: bool, limit_s: float
) -> list[Plan]:
    """The plans of the stacks, as many at a time as the machine has cores for."""
    if not names:
        return []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with (
        Progress(*columns, console=console, transient=True) as progress,
        ThreadPoolExecutor(max_workers=min(len(names), os.cpu_count() or 1)) as pool,
    ):
        runs = []
        for name in names:
            line = progress.add_task(f"preview of {name}: waits for its turn")

            def tell(words: str, name: str = name, line: object = line) -> None:
                progress.update(line, description=f"preview of {name}: {words}")  # type: ignore[arg-type]  # a TaskID

            preview = engine.Preview(stack=name, directory=directory, out=out, refresh=refresh, limit_s=limit_s)
            runs.append(pool.submit(partial(engine.run, preview, tell)))
        return [run.result() for run in runs]


def _write(out: Path, plans: Sequence[Plan], whole: str) -> None:
    (out / "review.md").write_text(whole)
    (out / "junit.xml").write_text(reports.junit(plans))
    (out / "codequality.json").write_text(json.dumps(reports.code_quality(plans), indent=2))
    for plan in plans:
        (out / f"terraform-{plan.stack}.json").write_text(json.dumps(reports.terraform(plan)))


def _print(plan: Plan, console: Console) -> None:
    counts = ", ".join(f"{number} {word}" for word, number in plan.counts.items() if number)
    verdict = "may not be merged" if plan.failed else "nothing would change" if plan.empty else "ready"
    console.print(f"{plan.stack}: {verdict} ({counts or 'no resource'}; {plan.seconds:.1f} s)", markup=False)
    for error in plan.errors:
        console.print(f"  {error}", markup=False, soft_wrap=True)
    for violation in plan.verdicts:
        console.print(f"  {violation.level}: {violation.policy}: {violation.message}", markup=False, soft_wrap=True)


def _publish(target: Target, plans: Sequence[Plan], body: str, origin: Origin, console: Console) -> None:
    project = _project(target.project)
    for plan in plans:
        publish_status(project, plan, origin.commit, origin.job_url)
    publication = publish_note(project, target.number, body, origin.commit)
    if publication.superseded_by is not None:
        newer = publication.superseded_by[:8]
        console.print(f"!{target.number} is at {newer} by now: its note is left to that commit's review")
    else:
        console.print(f"told at {publication.url}", markup=False, soft_wrap=True)


def _project(reference: str) -> gitlab.v4.objects.Project:
    connection = Connection.from_environment()
    client = gitlab.Gitlab(connection.url, private_token=connection.token, timeout=30, retry_transient_errors=True)
    try:
        project = client.projects.get(reference)
    except gitlab.GitlabError as error:
        raise CommandError(
            f"{connection.url} answered {error.response_code} for project {reference}: {error.error_message}",
            "Look whether the project's name is right, and GITLAB_TOKEN is valid and has the scope api.",
        ) from None
    return project


def _artifact(out: Path) -> str | None:
    job = os.environ.get("CI_JOB_URL")
    return f"{job}/artifacts/file/{out.as_posix()}/review.md" if job and not out.is_absolute() else None


def _git(directory: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ("git", *arguments), cwd=directory, capture_output=True, text=True, timeout=_GIT_LIMIT_S, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"git {arguments[0]} cannot be run: {error}", "Install git, and run it again.") from None
    if done.returncode:
        raise CommandError(
            f"git {arguments[0]} failed: {' '.join(done.stderr.split())}",
            "Name a base that the checkout has; in a shallow clone: git fetch --unshallow.",
        )
    return done.stdout
