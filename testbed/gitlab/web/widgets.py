"""Reports of a pipeline's jobs in short: tests, code quality, plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from testbed.gitlab.pipelines.reports import (
    Finding,
    artifact_of,
    parse_codequality,
    parse_junit,
    parse_terraform,
    read_report,
)
from testbed.gitlab.settings import Settings
from testbed.gitlab.store import Job

__all__ = ["Widget", "widgets_of"]

ROWS_SHOWN = 50


@dataclass(frozen=True)
class Widget:
    """One kind of report over all jobs."""

    title: str
    summary: str
    trouble: bool
    columns: Sequence[str] = ()
    rows: Sequence[tuple[str, ...]] = ()


def widgets_of(settings: Settings, jobs: Sequence[Job]) -> list[Widget]:
    """What the jobs report, as far as they do."""
    found = []
    for kind, show in _KINDS.items():
        reports, broken = [], []
        for job in jobs:
            artifact = artifact_of(job, kind)
            if artifact is None:
                continue
            try:
                reports.append((job.name, read_report(settings, artifact)))
            except ValueError as error:
                broken.append((job.name, str(error)))
        if reports or broken:
            found.append(_with_broken(show, reports, broken))
    return found


def _with_broken(
    show: Callable[[list[tuple[str, bytes]]], Widget], reports: list[tuple[str, bytes]], broken: list[tuple[str, str]]
) -> Widget:
    widget = show(reports)
    if not broken:
        return widget
    rows = [*widget.rows, *((name, reason, *[""] * (len(widget.columns) - 2)) for name, reason in broken)]
    return Widget(widget.title, f"{widget.summary}, {len(broken)} unreadable", True, widget.columns, rows)


def _tests(reports: list[tuple[str, bytes]]) -> Widget:
    suites = [parse_junit(content, name) for name, content in reports]
    bad = [(suite, case) for suite in suites for case in suite.cases if case.status in ("failed", "error")]
    rows = [(suite.name, case.name, (case.output or case.stack_trace or case.status)[:500]) for suite, case in bad]
    rows += [(suite.name, "", suite.error) for suite in suites if suite.error]
    total = sum(len(suite.cases) for suite in suites)
    skipped = sum(suite.count("skipped") for suite in suites)
    summary = f"{_count(total, 'test')}, {len(bad)} failed, {skipped} skipped"
    return Widget("Tests", summary, bool(rows), ("Job", "Test", "Reason"), rows[:ROWS_SHOWN])


def _quality(reports: list[tuple[str, bytes]]) -> Widget:
    findings: list[tuple[str, Finding]] = []
    rows = []
    for name, content in reports:
        try:
            findings += [(name, each) for each in parse_codequality(content)]
        except ValueError as error:
            rows.append((name, "unreadable", str(error)))
    rows += [(each.severity, f"{each.path}:{each.line}", each.description) for _, each in findings]
    columns = ("Severity", "Place", "Finding")
    return Widget("Code quality", _count(len(findings), "finding"), bool(rows), columns, rows[:ROWS_SHOWN])


def _plans(reports: list[tuple[str, bytes]]) -> Widget:
    rows: list[tuple[str, ...]] = []
    total = [0, 0, 0]
    broken = False
    for name, content in reports:
        try:
            plan = parse_terraform(content)
        except ValueError as error:
            rows.append((name, str(error), "", ""))
            broken = True
            continue
        counts = (plan.create, plan.update, plan.delete)
        total = [before + count for before, count in zip(total, counts, strict=True)]
        rows.append((name, *(str(count) for count in counts)))
    summary = f"{total[0]} to add, {total[1]} to change, {total[2]} to delete"
    return Widget("Plan", summary, broken or total[2] > 0, ("Job", "Add", "Change", "Delete"), rows[:ROWS_SHOWN])


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


_KINDS: dict[str, Callable[[list[tuple[str, bytes]]], Widget]] = {
    "junit": _tests,
    "codequality": _quality,
    "terraform": _plans,
}
