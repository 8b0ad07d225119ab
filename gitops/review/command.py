"""``bighpc review``: previews what a change touches, and tells it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from gitops.checkout import git
from gitops.connection import Connection
from gitops.parallel import run_all
from gitops.pulumi import engine
from gitops.pulumi.plan import Plan
from gitops.pulumi.stacks import check_known
from gitops.review import reports
from gitops.review.impact import Impact, impact
from gitops.review.note import Origin, render
from gitops.review.publish import publish_note, publish_status

__all__ = ["Target", "Wanted", "review"]


@dataclass(frozen=True, kw_only=True)
class Target:
    """The merge request to tell it on."""

    project: str
    """Number or path."""
    number: int
    """The merge request's ``iid``."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to review, and how."""

    directory: Path
    """The checkout, with the change in it."""
    out: Path
    """Where note, reports and logs go."""
    base: str | None
    """What the change is compared with, a commit or branch; without it every stack counts as touched."""
    stacks: Sequence[str]
    """Preview these whatever the change touches."""
    refresh: bool
    """Compare with reality instead of with the recorded state."""
    limit_s: float
    """Seconds for one preview."""
    target: Target | None
    """Without it nothing is published."""


def review(wanted: Wanted, console: Console) -> bool:
    """Preview the stacks that a change can touch, write the reports, and publish the note.

    Args:
        wanted: what to review.
        console: where progress and the summary go.

    Returns:
        Whether the change may be merged.

    Raises:
        CommandError: when the review itself cannot be done.
    """
    wanted.out.mkdir(parents=True, exist_ok=True)
    touched, untouched = _select(wanted)
    for each in (*touched, *untouched):
        console.print(f"{each.stack}: {'' if each.affected else 'not '}affected, because {each.because}", markup=False)
    plans = _preview([each.stack for each in touched], wanted, console)
    origin = Origin(
        commit=git(wanted.directory, "rev-parse", "HEAD").strip(),
        job_url=os.environ.get("CI_JOB_URL"),
        artifact_url=_artifact(wanted.out),
    )
    _write(wanted.out, plans, render(plans, untouched, origin, limit=10**9))
    for plan in plans:
        _print(plan, console)
    if wanted.target is not None:
        _publish(wanted.target, plans, render(plans, untouched, origin), origin, console)
    return not any(plan.failed for plan in plans)


def _select(wanted: Wanted) -> tuple[list[Impact], list[Impact]]:
    known = check_known(wanted.directory, wanted.stacks)
    if wanted.stacks:
        found = [Impact(stack=name, affected=name in wanted.stacks, because="you named the stacks") for name in known]
    elif wanted.base is None:
        found = [Impact(stack=name, affected=True, because="there is nothing to compare with") for name in known]
    else:
        found = impact(wanted.directory, _changed(wanted.directory, wanted.base))
    return [each for each in found if each.affected], [each for each in found if not each.affected]


def _changed(directory: Path, base: str) -> list[str]:
    """The files that differ from where the change began, in the working tree too."""
    root = git(directory, "merge-base", base, "HEAD").strip()
    tracked = git(directory, "diff", "--name-only", "--no-renames", "-z", root)
    untracked = git(directory, "ls-files", "--others", "--exclude-standard", "-z")
    return sorted({path for path in (tracked + untracked).split("\0") if path})


def _preview(names: Sequence[str], wanted: Wanted, console: Console) -> list[Plan]:
    def look(name: str) -> engine.Operation:
        return engine.preview(name, wanted.directory, wanted.out, wanted.limit_s, refresh=wanted.refresh)

    return run_all({f"preview of {name}": partial(engine.run, look(name)) for name in names}, console)


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
    project = Connection.from_environment().project(target.project)
    for plan in plans:
        publish_status(project, plan, origin.commit, origin.job_url)
    publication = publish_note(project, target.number, body, origin.commit)
    if publication.superseded_by is not None:
        newer = publication.superseded_by[:8]
        console.print(f"!{target.number} is at {newer} by now: its note is left to that commit's review")
    else:
        console.print(f"told at {publication.url}", markup=False, soft_wrap=True)


def _artifact(out: Path) -> str | None:
    job = os.environ.get("CI_JOB_URL")
    return f"{job}/artifacts/file/{out.as_posix()}/review.md" if job and not out.is_absolute() else None
