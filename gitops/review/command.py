"""``bighpc review``: previews what a change touches, and tells it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console

from gitops.checkout import git
from gitops.connection import Connection
from gitops.errors import CommandError
from gitops.markdown import LIMIT
from gitops.parallel import run_all
from gitops.pulumi import engine
from gitops.pulumi.plan import Plan
from gitops.pulumi.stacks import check_known, configuration
from gitops.review import reports
from gitops.review.impact import Impact, impact
from gitops.review.note import Origin, render
from gitops.review.publish import publish_note, publish_status

__all__ = ["Review", "Target", "Wanted", "look", "review"]


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


@dataclass(frozen=True, kw_only=True)
class Review:
    """What the previews say."""

    plans: Sequence[Plan]
    untouched: Sequence[Impact]
    """The stacks that were not previewed."""
    origin: Origin

    @property
    def passed(self) -> bool:
        """Whether the change may be merged."""
        return not any(plan.failed for plan in self.plans)

    def render(self, limit: int = LIMIT, marker: str | None = None) -> str:
        """Return the note; with a marker it is another one than the review's own."""
        return render(self.plans, self.untouched, self.origin, limit, marker)


def review(wanted: Wanted, console: Console) -> bool:
    """Preview the stacks that a change can touch, write the reports, and publish the note.

    Args:
        wanted: what to review.
        console: where progress and the summary go.

    Returns:
        Whether the change may be merged; that GitLab cannot be told does not change it.

    Raises:
        CommandError: when the review itself cannot be done.
    """
    found = look(wanted, console)
    for plan in found.plans:
        _print(plan, console)
    if wanted.target is not None:
        try:
            _publish(wanted.target, found, console)
        except CommandError as error:
            console.print(f"it could not be told: {error.reason}", markup=False, soft_wrap=True)
            console.print(f"  {error.remedy}", markup=False, soft_wrap=True)
    return found.passed


def look(wanted: Wanted, console: Console) -> Review:
    """Preview the stacks that a change can touch, and write the reports.

    Args:
        wanted: what to review; its target is not told.
        console: where progress goes.

    Raises:
        CommandError: when it cannot be done.
    """
    wanted.out.mkdir(parents=True, exist_ok=True)
    touched, untouched = _select(wanted)
    for each in (*touched, *untouched):
        console.print(f"{each.stack}: {'' if each.affected else 'not '}affected, because {each.because}", markup=False)
    found = Review(
        plans=_preview([each.stack for each in touched], wanted, console),
        untouched=untouched,
        origin=Origin(
            commit=git(wanted.directory, "rev-parse", "HEAD").strip(),
            job_url=os.environ.get("CI_JOB_URL"),
            artifact_url=_artifact(wanted.out),
        ),
    )
    _write(wanted.out, found)
    return found


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
    return run_all({f"preview of {name}": partial(_previewed, wanted, name) for name in names}, console)


def _previewed(wanted: Wanted, name: str, tell: Callable[[str], None]) -> Plan:
    try:
        # The engine does not say which file is no YAML.
        configuration(wanted.directory, name)
    except CommandError as error:
        why = f"{error.reason}. {error.remedy}"
        return Plan(stack=name, changes=(), verdicts=(), errors=(why,), seconds=0)
    where = (wanted.directory, wanted.out, wanted.limit_s)
    return engine.run(engine.preview(name, *where, refresh=wanted.refresh), tell)


def _write(out: Path, found: Review) -> None:
    (out / "review.md").write_text(found.render(limit=10**9))
    (out / "junit.xml").write_text(reports.junit(found.plans))
    (out / "codequality.json").write_text(json.dumps(reports.code_quality(found.plans), indent=2))
    (out / "terraform.json").write_text(json.dumps(reports.terraform(found.plans)))


def _print(plan: Plan, console: Console) -> None:
    counts = ", ".join(f"{number} {word}" for word, number in plan.counts.items() if number)
    verdict = "may not be merged" if plan.failed else "nothing would change" if plan.empty else "ready"
    console.print(f"{plan.stack}: {verdict} ({counts or 'no resource'}; {plan.seconds:.1f} s)", markup=False)
    for error in plan.errors:
        console.print(f"  {error}", markup=False, soft_wrap=True)
    for violation in plan.verdicts:
        console.print(f"  {violation.level}: {violation.policy}: {violation.message}", markup=False, soft_wrap=True)


def _publish(target: Target, found: Review, console: Console) -> None:
    project = Connection.for_telling().project(target.project)
    for plan in found.plans:
        publish_status(project, plan, found.origin.commit, found.origin.job_url)
    publication = publish_note(project, target.number, found.render(), found.origin.commit)
    if publication.superseded_by is not None:
        newer = publication.superseded_by[:8]
        console.print(f"!{target.number} is at {newer} by now: its note is left to that commit's review")
    else:
        console.print(f"told at {publication.url}", markup=False, soft_wrap=True)


def _artifact(out: Path) -> str | None:
    job = os.environ.get("CI_JOB_URL")
    return f"{job}/artifacts/file/{out.as_posix()}/review.md" if job and not out.is_absolute() else None
