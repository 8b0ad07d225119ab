"""``bighpc drift``: compares program, recorded state and reality, and tells where they differ."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from rich.console import Console

from gitops.checkout import git
from gitops.cluster import connect
from gitops.connection import Connection
from gitops.drift import cluster, forge, keeping
from gitops.drift.finding import Cause, Finding, StackDrift
from gitops.drift.issue import keep_issue
from gitops.drift.report import commands, details, terminal
from gitops.errors import CommandError
from gitops.parallel import Job, run_all
from gitops.pulumi import engine
from gitops.pulumi.plan import Change, Plan, short_type
from gitops.pulumi.stacks import check_known, configuration
from gitops.pulumi.state import State, read_state

__all__ = ["DRIFT", "UNKNOWN", "Request", "drift", "exit_code"]

DRIFT: Final = 7
"""Exit code when something drifted; the engine's own for ``--expect-no-changes``."""
UNKNOWN: Final = 1
"""Exit code when it could not be told."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to look at, and where to tell it."""

    directory: Path
    """The checkout."""
    out: Path
    """Where report and logs go."""
    stacks: Sequence[str]
    """None means all that have a file."""
    limit_s: float
    """Seconds for one run of the engine."""
    propose: bool
    """Say what would resolve it."""
    project: str | None
    """Where each stack's issue is kept; None: nowhere."""
    repository: str | None = None
    """Where merge requests keep what can be kept; None: nowhere."""
    branch: str | None = None
    """What they go to; None: the branch of the checkout."""


def drift(request: Request, console: Console) -> list[StackDrift]:
    """Look for drift, write the report, and keep the issues. Nothing but issues is changed.

    Args:
        request: what to look at.
        console: where progress and the summary go.

    Raises:
        CommandError: when the search itself cannot be done.
    """
    known = check_known(request.directory, request.stacks)
    names = list(dict.fromkeys(request.stacks)) or known
    request.out.mkdir(parents=True, exist_ok=True)
    # Those of the others too: they put objects into the forge, which one stack owns.
    reads = {f"state of {name}": partial(_recorded, request.directory, name) for name in known}
    states = dict(zip(known, run_all(reads, console), strict=True))
    jobs = {f"drift of {name}": partial(_look, request, name, states) for name in names}
    found = run_all(jobs, console)
    if request.propose:
        found = _kept(request, found, states, console)
    _write(request.out, found)
    for each in found:
        for line in terminal(each):
            console.print(line, markup=False, soft_wrap=True)
        if request.propose and each.findings:
            console.print("  what would resolve it:", markup=False)
            for line in commands(each):
                console.print(f"  {line}", markup=False, soft_wrap=True)
    if request.project is not None:
        _keep_issues(request.project, found, console, propose=request.propose)
    return found


def _kept(
    request: Request, found: Sequence[StackDrift], states: Mapping[str, State | CommandError], console: Console
) -> list[StackDrift]:
    """Add to each stack how what drifted can be kept; open the merge requests that do it."""
    jobs: dict[str, Job[keeping.Keeping]] = {}
    for drift in found:
        state = states[drift.stack]
        if isinstance(state, State):
            look = partial(keeping.look, request.directory, request.out, request.limit_s, drift, state)
            jobs[f"what can be kept of {drift.stack}"] = look
    looked = iter(run_all(jobs, console))
    return [
        replace(drift, keeping=_proposed(request, drift, next(looked), console))
        if isinstance(states[drift.stack], State)
        else drift
        for drift in found
    ]


def _proposed(request: Request, drift: StackDrift, kept: keeping.Keeping, console: Console) -> dict[str, str]:
    url = None
    # What could not be told must not close a merge request.
    if request.repository is not None and (kept.edits or not drift.errors):
        try:
            branch = request.branch or git(request.directory, "rev-parse", "--abbrev-ref", "HEAD").strip()
            project = Connection.for_telling().project(request.repository)
            url = keeping.propose(project, drift.stack, branch, kept, request.directory)
        except CommandError as error:
            console.print(f"{drift.stack}: nothing could be proposed: {error.reason}", markup=False, soft_wrap=True)
            console.print(f"  {error.remedy}", markup=False, soft_wrap=True)
    return keeping.explained(kept, url)


def exit_code(found: Sequence[StackDrift]) -> int:
    """Return 0 without drift, `DRIFT` with, `UNKNOWN` when any stack could not be told."""
    if any(each.errors for each in found):
        return UNKNOWN
    return DRIFT if any(each.findings for each in found) else 0


def _recorded(directory: Path, stack: str, tell: Callable[[str], None]) -> State | CommandError:
    tell("asks the engine")
    try:
        return read_state(directory, stack)
    except CommandError as error:
        return error


def _look(
    request: Request, stack: str, states: Mapping[str, State | CommandError], tell: Callable[[str], None]
) -> StackDrift:
    """All comparisons of one stack."""
    begun = time.monotonic()
    where = (request.directory, request.out, request.limit_s)
    program = engine.run(
        engine.preview(stack, *where, policies=False), lambda words: tell(f"program and recorded state: {words}")
    )
    reality = engine.run(
        engine.refresh_preview(stack, *where), lambda words: tell(f"recorded state and reality: {words}")
    )
    undeclared, unseen = _undeclared(request.directory, stack, states, program, tell)
    planned = {change.urn: change for change in _changed(program)}
    changed = [replace(_of_reality(each), agreed=_agreed(planned.get(each.urn), each)) for each in _changed(reality)]
    findings = [*map(_of_program, planned.values()), *changed, *undeclared]
    errors = [f"preview: {error}" for error in program.errors] + [f"refresh: {error}" for error in reality.errors]
    return StackDrift(
        stack=stack, findings=tuple(findings), errors=(*errors, *unseen), seconds=time.monotonic() - begun
    )


def _undeclared(
    directory: Path,
    stack: str,
    states: Mapping[str, State | CommandError],
    program: Plan,
    tell: Callable[[str], None],
) -> tuple[list[Finding], list[str]]:
    """What no program declares, and why that could not be told."""
    known = [state for state in states.values() if isinstance(state, State)]
    own = states[stack]
    unread = [f"{each.reason}. {each.remedy}" for each in states.values() if isinstance(each, CommandError)]
    if unread or isinstance(own, CommandError):
        # What the stack in question declares would seem to be nobody's.
        return [], unread
    findings: list[Finding] = []
    errors: list[str] = []
    for look in (partial(_in_cluster, directory, own, known, program, tell), partial(_in_forge, own, known, tell)):
        try:
            more, problems = look()
        except CommandError as error:
            more, problems = [], [f"{error.reason}. {error.remedy}"]
        findings += more
        errors += problems
    return findings, errors


def _in_cluster(
    directory: Path, state: State, states: Sequence[State], program: Plan, tell: Callable[[str], None]
) -> tuple[list[Finding], list[str]]:
    if not any(each.type.startswith("kubernetes:") for each in state.resources):
        return [], []
    tell("objects in the cluster")
    with connect(configuration(directory, state.stack)) as client:
        return cluster.look(client, state, cluster.Declared(states, _changed(program)))


def _in_forge(state: State, states: Sequence[State], tell: Callable[[str], None]) -> tuple[list[Finding], list[str]]:
    if not forge.owns_forge(state):
        return [], []
    with Connection.from_environment().client() as client:
        return forge.look(client, state, states, tell)


def _changed(plan: Plan) -> list[Change]:
    return [change for change in plan.changes if change.operation != "unchanged"]


def _of_program(change: Change) -> Finding:
    return Finding(
        cause=Cause.NOT_DEPLOYED,
        type=short_type(change.type),
        name=change.name,
        detail=f"to {change.operation}{_called(change)}",
        urn=change.urn,
        properties=change.properties,
    )


def _of_reality(change: Change) -> Finding:
    return Finding(
        cause=Cause.DELETED if change.operation == "delete" else Cause.CHANGED,
        type=short_type(change.type),
        name=change.name,
        detail=_called(change).removeprefix(": "),
        urn=change.urn,
        # That the engine would replace the object is no matter of what somebody changed.
        properties=tuple(replace(each, replaces=False) for each in change.properties),
    )


def _agreed(program: Change | None, reality: Change) -> bool:
    """Whether the program asks for what is there already, so that only the record differs."""
    if program is None:
        return False
    if reality.operation == "delete":
        return program.operation == "delete"
    asked = {each.path: each.new for each in program.properties}
    return bool(reality.properties) and all(
        each.path in asked and asked[each.path] == each.new != "[secret]" for each in reality.properties
    )


def _called(change: Change) -> str:
    """The object as its own system calls it, where the program's name for it is another one."""
    inputs = change.old or change.new
    metadata = inputs.get("metadata")
    if isinstance(metadata, Mapping):
        name = "/".join(str(metadata[key]) for key in ("namespace", "name") if metadata.get(key))
    else:
        name = next((str(inputs[key]) for key in ("key", "branch", "path", "name", "title") if inputs.get(key)), "")
    return f": {name}" if name and name != change.name else ""


def _write(out: Path, found: Sequence[StackDrift]) -> None:
    (out / "drift.json").write_text(json.dumps([each.as_json() for each in found], indent=2, default=str))
    lines = [line for each in found for line in (f"### Stack {each.stack}", "", *details(each), "")]
    (out / "drift.md").write_text("\n".join(lines) + "\n")


def _keep_issues(reference: str, found: Sequence[StackDrift], console: Console, *, propose: bool) -> None:
    project = Connection.for_telling().project(reference)
    for each in found:
        said = keep_issue(project, each, propose=propose)
        if said is not None:
            console.print(f"{each.stack}: {said}", markup=False, soft_wrap=True)
