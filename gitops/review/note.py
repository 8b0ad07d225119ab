"""The note on a merge request: what a reviewer reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from gitops.markdown import LIMIT, cell, cut, fenced
from gitops.pulumi.difference import property_lines, value_text
from gitops.pulumi.plan import CHANGES, Change, Plan, Verdict, short_type
from gitops.review.impact import Impact
from gitops.review.risk import risks

__all__ = ["Origin", "is_ours", "render"]

_MARKER: Final = "<!-- bighpc:review"
_SIGNS: Final = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
_LEVEL_ORDER: Final = ("mandatory", "remediate", "advisory", "disabled")


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a review comes from."""

    commit: str
    job_url: str | None = None
    artifact_url: str | None = None
    """Where the whole review can be read when the note is cut."""


def is_ours(body: str) -> bool:
    """Whether a note is a review."""
    return body.startswith(_MARKER)


def render(
    plans: Sequence[Plan], untouched: Sequence[Impact], origin: Origin, limit: int = LIMIT, marker: str | None = None
) -> str:
    """Return the note as GitLab Markdown.

    Args:
        plans: the previews.
        untouched: the stacks that were not previewed.
        origin: where the review comes from.
        limit: greatest number of characters.
        marker: the first line of a note that is not the review's own.
    """
    lines = [
        marker or f"{_MARKER} {json.dumps({'commit': origin.commit})} -->",
        f"### {_headline(plans)}",
        "",
        *_summary(plans, untouched),
        "",
        *_risk_section(plans),
        *(line for plan in plans for line in _failure(plan)),
        *_policy_section(plans),
        *(line for plan in plans for line in _details(plan)),
        "---",
        _footer(plans, origin),
    ]
    where = f"[the whole review]({origin.artifact_url})" if origin.artifact_url else "the job's artifacts"
    return cut(lines, limit, where)


def _headline(plans: Sequence[Plan]) -> str:
    failed = [plan for plan in plans if plan.failed]
    if failed:
        return f"⛔ Preview: {_listed(plan.stack for plan in failed)} may not be merged as it is"
    if not plans:
        return "✅ Preview: no stack is affected"
    if all(plan.empty for plan in plans):
        return "✅ Preview: nothing would change"
    total = {word: sum(plan.counts[word] for plan in plans) for word in CHANGES}
    return "✅ Preview: " + ", ".join(f"{number} to {word}" for word, number in total.items() if number)


def _summary(plans: Sequence[Plan], untouched: Sequence[Impact]) -> Iterable[str]:
    if plans:
        yield from _table(plans)
        yield ""
    # Below the table: a sentence makes a cell higher than a screen.
    for each in untouched:
        yield f"- {each.stack}: not affected, because {cell(each.because)}"


def _table(plans: Sequence[Plan]) -> Iterable[str]:
    yield "| stack | create | update | replace | delete | unchanged | policies | verdict |"
    yield "|---|--:|--:|--:|--:|--:|---|---|"
    for plan in plans:
        counts = " | ".join(str(plan.counts[word]) for word in (*CHANGES, "unchanged"))
        yield f"| **{plan.stack}** | {counts} | {_policies(plan)} | {_verdict(plan)} |"


def _policies(plan: Plan) -> str:
    mandatory = sum(verdict.mandatory for verdict in plan.verdicts)
    others = len(plan.verdicts) - mandatory
    told = [f"{mandatory} mandatory" if mandatory else "", f"{others} advisory" if others else ""]
    return ", ".join(filter(None, told)) or "pass"


def _verdict(plan: Plan) -> str:
    if plan.errors:
        return "⛔ preview failed"
    if plan.failed:
        return "⛔ policies violated"
    return "no change" if plan.empty else "✅ ready"


def _policy_section(plans: Sequence[Plan]) -> Iterable[str]:
    rows = [(plan, verdict) for plan in plans for verdict in plan.verdicts]
    if mandatory := [row for row in rows if row[1].mandatory]:
        yield "#### Policies"
        yield ""
        yield from _policy_table(mandatory)
    if others := [row for row in rows if not row[1].mandatory]:
        yield f"<details><summary><b>Policies</b>: {len(others)} advisory</summary>"
        yield ""
        yield from _policy_table(others)
        yield "</details>"
        yield ""


def _policy_table(rows: Iterable[tuple[Plan, Verdict]]) -> Iterable[str]:
    yield "| level | stack | policy | resource | what and how to mend it |"
    yield "|---|---|---|---|---|"
    for plan, verdict in sorted(rows, key=lambda row: (_LEVEL_ORDER.index(row[1].level), row[0].stack)):
        level = "**mandatory**" if verdict.mandatory else verdict.level
        yield f"| {level} | {plan.stack} | `{verdict.policy}` | {_resource(verdict)} | {cell(verdict.message)} |"
    yield ""


def _resource(verdict: Verdict) -> str:
    return f"`{verdict.urn.rsplit('::', 1)[-1]}`" if verdict.urn else "the stack"


def _risk_section(plans: Sequence[Plan]) -> Iterable[str]:
    found = [(plan, risk) for plan in plans for risk in risks(plan)]
    if not found:
        return
    yield "#### Look at these first"
    yield ""
    for plan, risk in sorted(found, key=lambda row: row[1].rank):
        yield f"- {plan.stack}: `{risk.change.name}`: {risk.reason}"
    yield ""


def _failure(plan: Plan) -> Iterable[str]:
    if plan.errors:
        yield f"#### {plan.stack}: why the preview failed"
        yield ""
        yield from fenced("\n".join(plan.errors))
        yield ""


def _details(plan: Plan) -> Iterable[str]:
    changed = [change for change in plan.changes if change.operation != "unchanged"]
    if not changed:
        return
    many = "one resource" if len(changed) == 1 else f"{len(changed)} resources"
    yield f"<details><summary><b>{plan.stack}</b>: {many}, property by property</summary>"
    yield ""
    order = ("replace", "delete", "update", "create")
    for change in sorted(changed, key=lambda each: (order.index(each.operation), each.type, each.name)):
        yield from fenced("\n".join(_difference(change)), "diff")
    yield ""
    yield "</details>"
    yield ""


def _difference(change: Change) -> Iterable[str]:
    sign = _SIGNS[change.operation]
    yield f"{sign} {short_type(change.type)} {change.name}" + (" (protected)" if change.protected else "")
    if change.operation == "create":
        yield from (f"+   {key}: {value_text(value)}" for key, value in sorted(change.new.items()))
    elif change.operation != "delete":
        for each in change.properties:
            yield from property_lines(each)


def _footer(plans: Sequence[Plan], origin: Origin) -> str:
    took = f"{sum(plan.seconds for plan in plans):.0f} s of previews" if plans else "no preview needed"
    job = f" · [job]({origin.job_url})" if origin.job_url else ""
    whole = f" · [everything]({origin.artifact_url})" if origin.artifact_url else ""
    return f"Describes commit {origin.commit[:8]} · {took}{job}{whole}"


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names)
