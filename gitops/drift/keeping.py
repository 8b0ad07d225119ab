"""Keeping what somebody changed by hand: the change of data that makes the program ask for it, proved by a preview."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from gitlab.v4.objects import Project, ProjectMergeRequest

from gitops.checkout import git, tree_at
from gitops.connection import gitlab_asked
from gitops.drift.data import Edit, edit_of, edited
from gitops.drift.finding import Cause, Finding, StackDrift
from gitops.errors import CommandError
from gitops.markdown import cell
from gitops.pulumi import engine
from gitops.pulumi.declared import declaration
from gitops.pulumi.plan import Plan
from gitops.pulumi.state import State

__all__ = ["Keeping", "explained", "look", "propose"]


@dataclass(frozen=True, kw_only=True)
class Keeping:
    """How what drifted in a stack can be kept."""

    edits: tuple[Edit, ...]
    """Changes of data after which, by a preview, the program asks for what is there."""
    reasons: Mapping[str, str]
    """Why there is none for a resource, by its address."""
    files: Mapping[str, str]
    """The whole files with the changes, by name."""


def look(
    directory: Path, out: Path, limit_s: float, drift: StackDrift, state: State, tell: Callable[[str], None]
) -> Keeping:
    """Return what can be kept by a change of data. Nothing but a scratch copy of what is committed is changed.

    Args:
        directory: the checkout that the drift was found with.
        out: where the engine's logs go.
        limit_s: seconds for one preview.
        drift: what was found.
        state: what is recorded.
        tell: gets a few words on where it is.
    """
    changed = [each for each in drift.findings if each.cause is Cause.CHANGED and not each.agreed]
    if not changed:
        return Keeping(edits=(), reasons={}, files={})
    scratch = out / "keeping"
    scratch.mkdir(parents=True, exist_ok=True)
    try:
        with tree_at(directory, "HEAD") as tree:
            trial = engine.preview(drift.stack, tree, scratch, limit_s, refresh=True)
            return _look(tree, changed, {each.urn for each in drift.findings}, state, lambda: _run(trial, tell))
    except CommandError as error:
        return Keeping(
            edits=(), reasons={each.urn: f"it cannot be tried: {error.reason}" for each in changed}, files={}
        )


def _run(trial: engine.Operation, tell: Callable[[str], None]) -> Plan:
    return engine.run(trial, lambda words: tell(f"preview of what could be kept: {words}"))


def _look(
    tree: Path, changed: Sequence[Finding], known: Collection[str], state: State, preview: Callable[[], Plan]
) -> Keeping:
    """Change the tree until a preview of it has nothing against what is left of the changes."""
    parents = {each.urn: each.parent for each in state.resources}
    edits: list[Edit] = []
    reasons: dict[str, str] = {}
    for finding in changed:
        found = edit_of(tree, declaration(tree, finding.urn, parents).data, finding)
        if isinstance(found, str):
            reasons[finding.urn] = found
        else:
            edits += found
    # The engine writes into a stack's file, too.
    before = {edit.file: (tree / edit.file).read_text() for edit in edits}
    files: dict[str, str] = {}
    while edits:
        files = {
            file: edited(before[file], [edit for edit in edits if edit.file == file])
            for file in sorted({edit.file for edit in edits})
        }
        for file, text in {**before, **files}.items():
            (tree / file).write_text(text)
        refused = _refused(preview(), list(dict.fromkeys(edit.urn for edit in edits)), known)
        if not refused:
            break
        reasons |= refused
        edits = [edit for edit in edits if edit.urn not in refused]
    return Keeping(edits=tuple(edits), reasons=reasons, files=files if edits else {})


def explained(keeping: Keeping, merge_request: str | None) -> dict[str, str]:
    """Return how to keep each changed resource, by its address.

    Args:
        keeping: what can be kept.
        merge_request: the address of the one that does it, if there is one.
    """
    said = {urn: f"write the new value yourself (no merge request: {why})" for urn, why in keeping.reasons.items()}
    for edit in keeping.edits:
        what = f"{edit.key} = {json.dumps(edit.new)} in {edit.file}"
        earlier = f"{said[edit.urn]}, " if edit.urn in said else f"merge {merge_request}: " if merge_request else "set "
        said[edit.urn] = f"{earlier}{what}"
    return said


def propose(project: Project, stack: str, target: str, keeping: Keeping, directory: Path) -> str | None:
    """Open, update or close the stack's merge request with the changes of data, and return its address.

    Args:
        project: the checkout's project.
        stack: the stack's name.
        target: the branch that the drift was found with.
        keeping: what can be kept.
        directory: the checkout.

    Returns:
        None when there is nothing to propose.

    Raises:
        CommandError: when GitLab refuses.
    """
    with gitlab_asked(
        f"to the merge request that keeps the drift of {stack}",
        "Look whether the token has the scope api and its user the role Developer or more in the project.",
    ):
        found = _found(project, stack, target)
        if keeping.edits:
            return _written(project, stack, target, keeping, git(directory, "rev-parse", "HEAD").strip(), found)
        if found is not None:
            found.notes.create({"body": "Nothing of this can be kept any more: the drift is gone, or another one."})
            found.state_event = "close"
            found.save()
        return None


def _written(
    project: Project, stack: str, target: str, keeping: Keeping, head: str, found: ProjectMergeRequest | None
) -> str:
    """Open the merge request, or make the one that was found say the same; return its address."""
    description = _description(stack, keeping)
    if found is not None and (found.description or "").strip() == description:
        return str(found.web_url)
    _commit(project, stack, head, keeping.files)
    if found is not None:
        found.description = description
        found.save()
        return str(found.web_url)
    asked = {
        "source_branch": _branch(stack),
        "target_branch": target,
        "title": f"Keep what was changed by hand in {stack}",
        "description": description,
        "remove_source_branch": True,
    }
    return str(project.mergerequests.create(asked).web_url)


def _refused(plan: Plan, urns: Sequence[str], known: Collection[str]) -> dict[str, str]:
    """Why resources cannot be kept as they are, by the preview with their values in the data."""
    if plan.errors:
        return dict.fromkeys(urns, f"the preview with it fails: {plan.errors[0].splitlines()[0]}")
    other = [each.name for each in plan.changes if each.operation != "unchanged" and each.urn not in known]
    if other:
        return dict.fromkeys(urns, f"the value in the data also changes {', '.join(other[:5])}")
    refused = {
        verdict.urn: f"the policy {verdict.policy} forbids it"
        for verdict in plan.verdicts
        if verdict.mandatory and verdict.urn in urns
    }
    differing = [each for each in plan.changes if each.urn in urns and each.operation != "unchanged"]
    refused |= {
        each.urn: "the value in the data also says something else of it: "
        + ", ".join(change.path for change in each.properties)
        for each in differing
    }
    if not refused and any(verdict.mandatory for verdict in plan.verdicts):
        return dict.fromkeys(urns, "the preview with it violates policies")
    return refused


def _found(project: Project, stack: str, target: str) -> ProjectMergeRequest | None:
    listed = project.mergerequests.list(
        iterator=True, state="opened", source_branch=_branch(stack), target_branch=target
    )
    # A fork has branches of any name too.
    ours = (each for each in cast(Iterable[ProjectMergeRequest], listed) if each.source_project_id == project.id)
    return next(ours, None)


def _commit(project: Project, stack: str, start: str, files: Mapping[str, str]) -> None:
    """Make the branch anew, from the commit that the drift was found with, so that a merge loses nothing newer."""
    actions = [{"action": "update", "file_path": file, "content": text} for file, text in files.items()]
    project.commits.create(
        {
            "branch": _branch(stack),
            "start_sha": start,
            "force": True,
            "commit_message": f"fix({stack}): keep what was changed by hand",
            "actions": actions,
        }
    )


def _description(stack: str, keeping: Keeping) -> str:
    digest = hashlib.sha256(json.dumps(keeping.files, sort_keys=True).encode()).hexdigest()
    rows = (f"| `{edit.file}` | `{edit.key}` | {_value(edit.old)} | {_value(edit.new)} |" for edit in keeping.edits)
    lines = [
        f"<!-- bighpc:drift-keep {json.dumps({'stack': stack, 'files': digest})} -->",
        f"Reality differs from what git says of stack **{stack}**. Merge this to keep what is there; close it, and "
        "update the stack, to undo it.",
        "",
        "| file | value | in git | in reality |",
        "|---|---|---|---|",
        *rows,
        "",
        "A preview with these values found nothing to change in the objects concerned, and no policy against it.",
        "",
        f"After the merge, record it: `pulumi refresh --stack {stack}`.",
        "",
        f"Kept by `bighpc drift --stack {stack} --fix`.",
    ]
    return "\n".join(lines)


def _value(value: Any) -> str:
    return f"`{cell(json.dumps(value, ensure_ascii=False))}`"


def _branch(stack: str) -> str:
    return f"drift/{stack}"
