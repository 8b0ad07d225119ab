"""The description of a promotion's merge request: what a reviewer needs to say yes or no."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gitops.markdown import LIMIT, cell, cut
from gitops.promote.digest import digest
from gitops.promote.evidence import Delivery, Evidence, Run
from gitops.pulumi.plan import CHANGES, Plan, short_type
from gitops.review.risk import risks

__all__ = ["Difference", "Preview", "render"]

_SIGNS: Final = {"success": "✅", "failed": "⛔", "canceled": "⛔", "running": "⏳", "pending": "⏳"}
_SHOWN: Final = 200
"""Commits and files that are listed."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What the target's branch gets."""

    commits: Sequence[Mapping[str, Any]]
    """As GitLab compares them, the oldest first."""
    files: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The preview of the target's stack."""

    plan: Plan | None
    missing: str = ""
    """Why there is none."""


def render(
    source: str,
    target: str,
    evidence: Evidence,
    applications: Sequence[Delivery],
    difference: Difference,
    preview: Preview,
) -> str:
    """Return the description as GitLab Markdown; the same facts make the same text.

    Args:
        source: the environment that it comes from.
        target: the environment that it goes to.
        evidence: what GitLab knows about the commit.
        applications: what Argo CD knows; empty when GitLab has a deployment.
        difference: what the target's branch gets.
        preview: what the target's stack gets.
    """
    lines = [
        f"<!-- bighpc:promotion {json.dumps({'commit': evidence.commit})} -->",
        f"Brings what runs in **{source}** to **{target}**: {_count(len(difference.commits), 'commit')}, "
        f"{_count(len(difference.files), 'file')}.",
        "",
        f"#### What is known about {evidence.commit[:8]} in {source}",
        "",
        "| | what | result |",
        "|---|---|---|",
        *_evidence(evidence, applications),
        "",
        *_folded(f"{len(evidence.jobs)} jobs of the latest pipeline", _jobs(evidence.jobs)),
        f"#### What changes in {target}",
        "",
        *_plan(preview, target),
        *_folded(_count(len(difference.commits), "commit"), _commits(difference.commits)),
        *_folded(_count(len(difference.files), "file"), _some([f"- `{path}`" for path in difference.files])),
        "---",
        f"Kept by `bighpc promote {source} {target}`.",
    ]
    return cut(lines, LIMIT, "the log of the command").strip()


def _evidence(evidence: Evidence, applications: Iterable[Delivery]) -> Iterator[str]:
    for run in evidence.previews:
        yield _row("previewed", run)
    if not evidence.previews:
        yield "| previewed | no preview is recorded for this commit | |"
    for run in evidence.pipelines:
        yield _row("gated and tested", run)
    if not evidence.pipelines:
        yield "| gated and tested | no pipeline ran for this commit | |"
    if evidence.deployment is not None:
        yield _row("deployed", evidence.deployment)
    for each in applications:
        yield f"| deployed | application `{each.application}` | ✅ {each.sync}, {each.health} at {each.revision[:8]} |"


def _row(what: str, run: Run) -> str:
    name = f"[{cell(run.name)}]({run.url})" if run.url else cell(run.name)
    detail = f": {cell(run.detail)}" if run.detail else ""
    return f"| {what} | {name} | {_SIGNS.get(run.status, '')} {run.status}{detail} |"


def _jobs(jobs: Iterable[Run]) -> Iterator[str]:
    yield "| stage | job | result |"
    yield "|---|---|---|"
    for job in sorted(jobs, key=lambda each: (each.detail, each.name)):
        yield f"| {cell(job.detail)} | [{cell(job.name)}]({job.url}) | {_SIGNS.get(job.status, '')} {job.status} |"


def _plan(preview: Preview, target: str) -> Iterator[str]:
    plan = preview.plan
    if plan is None:
        yield f"Stack {target} was not previewed: {preview.missing}"
        yield ""
        return
    counts = ", ".join(f"{plan.counts[word]} to {word}" for word in CHANGES if plan.counts[word])
    verdict = "⛔ the preview fails" if plan.errors else "⛔ policies are violated" if plan.failed else "✅ ready"
    yield f"Stack **{target}**: {counts or 'nothing would change'}. {verdict}."
    yield ""
    yield f"Digest of the plan: `sha256:{digest(plan)}`"
    yield ""
    yield from (f"- {cell(error)}" for error in plan.errors)
    yield from (f"- {each.policy}: {cell(each.message)}" for each in plan.verdicts if each.mandatory)
    found = risks(plan)
    if found:
        yield "Look at these first:"
        yield ""
        yield from (f"- `{risk.change.name}`: {risk.reason}" for risk in found)
        yield ""
    changed = [change for change in plan.changes if change.operation != "unchanged"]
    rows = [f"| {each.operation} | {short_type(each.type)} | `{each.name}` |" for each in changed]
    if rows:
        yield from _folded(_count(len(rows), "resource"), ["| | type | name |", "|---|---|---|", *_some(rows)])


def _commits(commits: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    # As code, nobody whom a title names is told of the merge request.
    titles = [(each["id"][:8], each["title"].replace("`", "'")) for each in reversed(commits)]
    return _some([f"- {commit} `{title}`" for commit, title in titles])


def _some(lines: Sequence[str]) -> Iterator[str]:
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"- and {len(lines) - _SHOWN} more"


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from lines
    yield ""
    yield "</details>"
    yield ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
