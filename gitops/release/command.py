"""``bighpc release``: check, hand over, follow, record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from gitlab.v4.objects import Project
from rich.console import Console

from gitops.cluster import connect
from gitops.connection import Connection, gitlab_asked
from gitops.release.deployment import recorded
from gitops.release.follow import Follower, look
from gitops.release.gate import Gate
from gitops.release.history import Order, check_on_branch, head_of, order, resolve
from gitops.release.lock import break_stale_lock
from gitops.release.outcome import Outcome
from gitops.release.pipeline import Pipeline
from gitops.release.stack_object import StackObject

__all__ = ["Request", "release"]

_REMEDY: Final = "Name an environment, and the platform repository's project with --project."
"""What to do when there is no branch of the environment's name."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to release, and how."""

    environment: str
    """It has the name of its branch and of its stack."""
    commit: str | None
    """A commit or a branch; by default the head of the environment's branch."""
    project: str
    """The platform repository's project, by path or number."""
    context: str | None
    """The kubeconfig's context."""
    namespace: str
    """Where the ``Stack`` object is."""
    pipeline: Pipeline | None
    """What the command runs in."""
    directory: Path
    """A checkout that has the commit; needed where no job is the gate."""
    out: Path
    limit_s: float
    """Seconds for the gate, and again for the operator."""
    lock_limit_s: float | None = None
    """Seconds after which whoever holds the stack counts as dead; by default nobody does who may live."""


def release(request: Request, connection: Connection, console: Console) -> Outcome:
    """Release a commit.

    Args:
        request: what to release.
        connection: how to call GitLab.
        console: where progress and the verdict go.

    Raises:
        CommandError: when it is refused, or cannot be done.
    """
    project = connection.project(request.project)
    with gitlab_asked(
        f"about {project.path_with_namespace}",
        "Look whether GITLAB_TOKEN has the scope read_api or api, and its user may see the project.",
    ):
        return _release(request, project, console)


def _release(request: Request, project: Project, console: Console) -> Outcome:
    environment = request.environment
    head = head_of(project, environment, _REMEDY)
    commit = resolve(project, request.commit) if request.commit else head
    check_on_branch(project, commit, environment, head)
    reach = partial(connect, {"kubernetes:context": request.context} if request.context else {})
    with reach() as client:
        stack = StackObject(client, environment, request.namespace, reach)
        present = look(stack)
        if present.commit == commit and present.runs(commit):
            console.print(f"{commit[:8]} runs in {environment} already", markup=False)
            return Outcome.RELEASED
        if not _may_replace(project, environment, commit, present.commit):
            console.print(f"{commit[:8]} is outdated: {environment} is at {str(present.commit)[:8]}", markup=False)
            return Outcome.OUTDATED
        gate = Gate(pipeline=request.pipeline, directory=request.directory, out=request.out, limit_s=request.limit_s)
        gate.check(project, environment, commit, console)
        return _hand_over(request, project, stack, commit, console)


def _hand_over(request: Request, project: Project, stack: StackObject, commit: str, console: Console) -> Outcome:
    environment = request.environment
    by_job = request.pipeline is not None and request.pipeline.environment == environment
    with recorded(project, environment, commit, console, by_job=by_job) as record:
        follower = Follower(
            stack=stack,
            commit=commit,
            may_replace=lambda present: _may_replace(project, environment, commit, present),
            console=console,
            limit_s=request.limit_s,
            when_locked=partial(break_stale_lock, environment, request.directory, console, request.lock_limit_s),
        )
        record.outcome = follower.run()
        return record.outcome


def _may_replace(project: Project, environment: str, commit: str, present: str | None) -> bool:
    """Whether the commit contains what the environment was told to run.

    What is not on the branch any more holds nobody up: the branch says what an environment is.
    """
    if present is None:
        return True
    related = order(project, commit, present)
    if related in (Order.SAME, Order.NEWER):
        return True
    return order(project, present, head_of(project, environment, _REMEDY)) not in (Order.SAME, Order.OLDER)
