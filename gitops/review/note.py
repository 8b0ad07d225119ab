"""The note on a merge request: what a reviewer reads."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gitops.review.impact import Impact
from gitops.review.plan import CHANGES, Change, Plan, PropertyChange, Verdict, short_type
from gitops.review.risk import risks

__all__ = ["LIMIT", "Origin", "is_ours", "render"]

LIMIT: Final = 1_000_000
"""Characters that GitLab takes in a note [GitLab documentation: administration/instance_limits]."""

_MARKER: Final = "<!-- bighpc:review"
_SIGNS: Final = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
_SHOWN_CHARACTERS: Final = 300
"""Of one value; longer ones are cut."""
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


def render(plans: Sequence[Plan], untouched: Sequence[Impact], origin: Origin, limit: int = LIMIT) -> str:
    """Return the note as GitLab Markdown.

    Args:
        plans: the previews.
        untouched: the stacks that were not previewed.
        origin: where the review comes from.
        limit: greatest number of characters.
    """
    lines = [
        f"{_MARKER} {json.dumps({'commit': origin.commit})} -->",
        f"### {_headline(plans)}",
        "",
        *_summary(plans, untouched),
        "",
        *_policy_section(plans),
        *_risk_section(plans),
        *(line for plan in plans for line in _details(plan)),
        "---",
        _footer(plans, origin),
    ]
    return _cut(lines, limit, origin)


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
    yield "| stack | create | update | replace | delete | unchanged | policies | verdict |"
    yield "|---|--:|--:|--:|--:|--:|---|---|"
    for plan in plans:
        counts = " | ".join(str(plan.counts[word]) for word in (*CHANGES, "unchanged"))
        yield f"| **{plan.stack}** | {counts} | {_policies(plan)} | {_verdict(plan)} |"
    for each in untouched:
        yield f"| {each.stack} | | | | | | | not affected, because {_cell(each.because)} |"


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
    if not rows:
        return
    yield "#### Policies"
    yield ""
    yield "| level | stack | policy | resource | what and how to mend it |"
    yield "|---|---|---|---|---|"
    for plan, verdict in sorted(rows, key=lambda row: (_LEVEL_ORDER.index(row[1].level), row[0].stack)):
        level = "**mandatory**" if verdict.mandatory else verdict.level
        yield f"| {level} | {plan.stack} | `{verdict.policy}` | {_resource(verdict)} | {_cell(verdict.message)} |"
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


def _details(plan: Plan) -> Iterable[str]:
    if plan.errors:
        yield f"#### {plan.stack}: why the preview failed"
        yield ""
        yield from _fenced("\n".join(plan.errors))
        yield ""
    changed = [change for change in plan.changes if change.operation != "unchanged"]
    if not changed:
        return
    yield f"<details><summary><b>{plan.stack}</b>: {len(changed)} resources, property by property</summary>"
    yield ""
    order = ("replace", "delete", "update", "create")
    for change in sorted(changed, key=lambda each: (order.index(each.operation), each.type, each.name)):
        yield from _fenced("\n".join(_difference(change)), "diff")
    yield ""
    yield "</details>"
    yield ""


def _difference(change: Change) -> Iterable[str]:
    sign = _SIGNS[change.operation]
    yield f"{sign} {short_type(change.type)} {change.name}" + (" (protected)" if change.protected else "")
    if change.operation == "create":
        yield from (f"+   {key}: {_value(value)}" for key, value in sorted(change.new.items()))
    elif change.operation != "delete":
        for each in change.properties:
            yield from _property(each)


def _property(each: PropertyChange) -> Iterable[str]:
    why = "  # replaces it" if each.replaces else ""
    if each.kind != "add":
        yield f"-   {each.path}: {_value(each.old)}{why}"
    if each.kind != "delete":
        yield f"+   {each.path}: {_value(each.new)}{why}"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    text = text.replace("\n", "\\n")
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)"


def _fenced(text: str, language: str = "") -> Iterable[str]:
    """A code block whose fence does not occur in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    yield f"{fence}{language}"
    yield from text.splitlines()
    yield fence


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _footer(plans: Sequence[Plan], origin: Origin) -> str:
    took = f"{sum(plan.seconds for plan in plans):.0f} s of previews" if plans else "no preview needed"
    job = f" · [job]({origin.job_url})" if origin.job_url else ""
    whole = f" · [everything]({origin.artifact_url})" if origin.artifact_url else ""
    return f"Describes commit {origin.commit[:8]} · {took}{job}{whole}"


def _listed(names: Iterable[str]) -> str:
    return " and ".join(names)


def _cut(lines: Sequence[str], limit: int, origin: Origin) -> str:
    """The text, cut at the end of a line when it is too long, with everything closed that was open."""
    text = "\n".join(lines) + "\n"
    if len(text) <= limit:
        return text
    where = f"[the whole review]({origin.artifact_url})" if origin.artifact_url else "the job's artifacts"
    room = limit - 400 - len(where)
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > room:
            break
        kept.append(line)
    fence = _open_fence(kept)
    kept += [fence] if fence else []
    opened = sum(line.startswith("<details>") for line in kept) - sum(line == "</details>" for line in kept)
    kept += ["", "</details>"] * opened
    left = len(lines) - len(kept)
    return "\n".join([*kept, "", f"Cut here: about {left} more lines are in {where}.", "", lines[-1]]) + "\n"


def _open_fence(lines: Sequence[str]) -> str | None:
    fence: str | None = None
    for line in lines:
        if fence is None and line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
        elif line == fence:
            fence = None
    return fence
