"""The answer to ``/explain``: what a resource is, where it comes from, and what the merge request would do to it."""

from __future__ import annotations

import difflib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gitops.errors import CommandError
from gitops.markdown import cell, fenced
from gitops.pulumi.declared import declaration
from gitops.pulumi.difference import property_lines, value_text
from gitops.pulumi.plan import Change, Plan
from gitops.pulumi.state import Recorded, State

__all__ = ["Subject", "describe", "find", "watching"]

_SHOWN: Final = 5
"""Resources of one name that are explained at once."""
_LISTED: Final = 50
_LIMIT_S: Final = 60

_WILL: Final = {
    "create": "It would be created.",
    "update": "It would be updated, because of:",
    "replace": "It would be deleted and made anew, because of:",
    "delete": "It would be deleted: the program of this merge request does not declare it.",
    "unchanged": "Nothing: it would stay as it is.",
}


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One resource, as far as it is known."""

    urn: str
    stack: str
    recorded: Recorded | None
    change: Change | None
    plan: Plan | None = field(repr=False)
    """The stack's preview."""

    @property
    def type(self) -> str:
        """Pulumi's name of the type."""
        return self.urn.split("::")[2].rpartition("$")[2]

    @property
    def name(self) -> str:
        """What the program calls it."""
        return self.urn.split("::", 3)[-1]


def find(wanted: str, states: Sequence[State], plans: Sequence[Plan]) -> list[Subject]:
    """Return the resources of a name or address, in any stack.

    Args:
        wanted: the name or address.
        states: what is recorded.
        plans: what the previews say.
    """
    found: dict[str, Subject] = {}
    for stack, recorded, change, plan in _everything(states, plans):
        each = recorded or change
        if each is not None and wanted in (each.urn, each.name):
            known = found.get(each.urn)
            found[each.urn] = Subject(
                urn=each.urn,
                stack=stack,
                recorded=recorded or (known.recorded if known else None),
                change=change or (known.change if known else None),
                plan=plan,
            )
    return list(found.values())


def describe(
    wanted: str, subjects: Sequence[Subject], states: Sequence[State], plans: Sequence[Plan], directory: Path
) -> Iterator[str]:
    """Yield the answer's lines.

    Args:
        wanted: what somebody asked about.
        subjects: what was found.
        states: what is recorded.
        plans: what the previews say.
        directory: the checkout with the merge request in it.
    """
    if not subjects:
        yield from _unknown(wanted, states, plans)
        return
    if len(subjects) > _SHOWN:
        yield f"{len(subjects)} resources have that name. Ask for one of them by its address:"
        yield ""
        yield from (f"- `/explain {each.urn}`" for each in subjects[:_LISTED])
        return
    known = (recorded or change for _, recorded, change, _ in _everything(states, plans))
    parents = {each.urn: each.parent for each in known if each and each.parent}
    for subject in subjects:
        yield f"#### `{subject.name}` in stack {subject.stack}"
        yield ""
        yield "| | |"
        yield "|---|---|"
        yield from (f"| {what} | {text} |" for what, text in _facts(subject, states, parents, directory) if text)
        yield ""
        yield from _outlook(subject)
        yield from _policies(subject, directory)


def watching(directory: Path, stack: str, token: str) -> list[dict[str, Any]]:
    """Return the policies of the checkout that look at resources of a type: name, sentence and level.

    Args:
        directory: the checkout.
        stack: the stack's name.
        token: Pulumi's name of the type.

    Raises:
        CommandError: when the policies cannot be asked.
    """
    command = (sys.executable, "-m", "policies.watching", stack, token)
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise CommandError(f"the policies did not answer within {_LIMIT_S} s", "Ask again.") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise CommandError(f"the policies cannot be read: {last}", "Look at policies/ of the merge request.")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def _everything(
    states: Sequence[State], plans: Sequence[Plan]
) -> Iterator[tuple[str, Recorded | None, Change | None, Plan | None]]:
    by_stack = {plan.stack: plan for plan in plans}
    for state in states:
        yield from ((state.stack, each, None, by_stack.get(state.stack)) for each in state.resources)
    for plan in plans:
        yield from ((plan.stack, None, each, plan) for each in plan.changes)


def _unknown(wanted: str, states: Sequence[State], plans: Sequence[Plan]) -> Iterator[str]:
    names = {each.name for _, recorded, change, _ in _everything(states, plans) if (each := recorded or change)}
    yield f"No stack has a resource `{wanted.replace('`', '')}`, and no preview of this merge request would make one."
    close = difflib.get_close_matches(wanted, sorted(names), n=5)
    if close:
        yield ""
        yield f"Names that are like it: {', '.join(f'`{name}`' for name in close)}."
    for plan in plans:
        if plan.errors:
            yield ""
            yield f"The preview of {plan.stack} fails, so there may be one that it did not get to:"
            yield from fenced("\n".join(plan.errors))


def _facts(
    subject: Subject, states: Sequence[State], parents: dict[str, str], directory: Path
) -> Iterator[tuple[str, str]]:
    recorded, change = subject.recorded, subject.change
    declared = declaration(directory, subject.urn, parents)
    state = next((each for each in states if each.stack == subject.stack), None)
    needing = [each.name for each in state.resources if subject.urn in each.dependencies] if state else []
    yield "type", f"`{subject.type}`"
    yield "address", f"`{subject.urn}`"
    yield "recorded as", f"`{cell(recorded.id)}`" if recorded and recorded.id else "" if recorded else "nothing yet"
    yield "protected", "yes" if change and change.protected else ""
    yield "component", declared.component
    yield "code", _codes(declared.code)
    yield "data", _codes(declared.data)
    yield "depends on", _codes([each.rsplit("::", 1)[-1] for each in recorded.dependencies] if recorded else [])
    yield "is needed by", _codes(needing)


def _codes(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{cell(name)}`" for name in names[:_LISTED])
    return f"{shown} and {len(names) - _LISTED} more" if len(names) > _LISTED else shown


def _outlook(subject: Subject) -> Iterator[str]:
    """What the merge request would do to it."""
    yield "**What this merge request would do to it**"
    yield ""
    change, plan = subject.change, subject.plan
    if plan is not None and plan.errors:
        yield "The preview fails, so this may not be all:"
        yield from fenced("\n".join(plan.errors))
        yield ""
    if change is None:
        yield "The preview does not mention it." if plan is not None else "The stack was not previewed."
        yield ""
        return
    yield _WILL[change.operation]
    lines = [line for each in change.properties for line in property_lines(each)]
    if change.operation == "create":
        lines = [f"+   {key}: {value_text(value)}" for key, value in sorted(change.new.items())]
    if lines and change.operation != "unchanged":
        yield from fenced("\n".join(lines), "diff")
    yield ""


def _policies(subject: Subject, directory: Path) -> Iterator[str]:
    violated = [each for each in (subject.plan.verdicts if subject.plan else ()) if each.urn == subject.urn]
    for verdict in violated:
        yield f"- {verdict.level}: `{verdict.policy}`: {cell(verdict.message)}"
    yield ""
    try:
        rules = watching(directory, subject.stack, subject.type)
    except CommandError as error:
        yield f"{error.reason}. {error.remedy}"
        return
    yield f"<details><summary>{len(rules)} policies watch it</summary>"
    yield ""
    yield from (f"- {rule['level']}: `{rule['name']}`: {cell(rule['rule'])}" for rule in rules)
    yield ""
    yield "</details>"
    yield ""
