"""How pipelines come about. Compiling takes seconds, so here a pipeline is only noted; the planner does the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pygit2
from sqlalchemy import event, func, inspect, select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import level_of
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.levels import Level
from testbed.gitlab.forge import Forge
from testbed.gitlab.pipelines.configured import configuration_path, setting
from testbed.gitlab.repositories.policy import is_protected
from testbed.gitlab.repositories.reading import blob_at
from testbed.gitlab.repositories.rules import BRANCHES, TAGS, ZERO, Change
from testbed.gitlab.store import MergeRequest, Pipeline, Project, User

__all__ = [
    "Occasion",
    "draft",
    "has_configuration",
    "head_pipeline",
    "note",
    "place_of",
    "start_for_merge_request",
    "start_for_push",
]

SKIP_MARKS = ("[skip ci]", "[ci skip]")
"""In the message of the newest commit of a push, whatever the case: no pipeline wanted."""


def start_for_push(
    forge: Forge, session: Session, project: Project, user: User, change: Change, options: Sequence[str] = ()
) -> Pipeline | None:
    """Note a pipeline for a pushed branch or tag, unless the push asks for none or there is no configuration.

    Args:
        forge: the double.
        session: a writing session.
        project: where was pushed to.
        user: who pushed.
        change: of one branch or tag.
        options: push options, such as ``ci.skip`` or ``ci.variable=KEY=value``.
    """
    if change.deletes or "ci.no_pipeline" in options:
        return None
    commit = forge.storage.open(project.id)[change.new].peel(pygit2.Commit)
    if not _may_have(project, user) or not has_configuration(project, commit):
        return None
    tag = change.ref.startswith(TAGS)
    occasion = Occasion(
        source="push",
        ref=change.ref.removeprefix(TAGS if tag else BRANCHES),
        sha=str(commit.id),
        tag=tag,
        before_sha=change.old,
        variables=_pushed_variables(options),
    )
    drafted = draft(session, project, user, occasion)
    if "ci.skip" in options or _asks_for_none(commit):
        drafted.status, drafted.compiled = "skipped", True
    return note(forge, session, drafted)


def start_for_merge_request(forge: Forge, session: Session, request: MergeRequest, user: User) -> Pipeline | None:
    """Note a pipeline for the head of a merge request, where that user starts it.

    As in GitLab it comes about only where jobs ask for merge request pipelines.
    """
    project = place_of(session, request, user)
    if project is None or not _may_have(project, user):
        return None
    commit = forge.storage.open(project.id).get(request.sha)
    if not isinstance(commit, pygit2.Commit) or not has_configuration(project, commit):
        return None
    occasion = Occasion(
        source="merge_request_event",
        ref=request.head_ref if project.id == request.project_id else request.source_branch,
        sha=request.sha,
        merge_request=request,
    )
    drafted = draft(session, project, user, occasion)
    if _asks_for_none(commit):
        drafted.status, drafted.compiled = "skipped", True
    return note(forge, session, drafted)


def head_pipeline(session: Session, request: MergeRequest) -> Pipeline | None:
    """The newest pipeline for the head commit of a merge request: its own, else the source branch's."""
    newest = select(Pipeline).order_by(Pipeline.id.desc()).limit(1)
    own = newest.where(Pipeline.merge_request_id == request.id, Pipeline.sha == request.sha)
    branch = newest.where(
        Pipeline.project_id == request.source_project_id,
        Pipeline.ref == request.source_branch,
        Pipeline.tag.is_(False),
        Pipeline.sha == request.sha,
        Pipeline.source != "parent_pipeline",
    )
    return session.scalar(own) or session.scalar(branch)


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What a pipeline is for."""

    source: str
    ref: str
    """Name of the branch or tag, or ``refs/merge-requests/<iid>/head``."""
    sha: str
    tag: bool = False
    before_sha: str = ZERO
    variables: Mapping[str, Any] = field(default_factory=dict)
    """Key to ``{"value", "variable_type", "raw"}``."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    merge_request: MergeRequest | None = None


def draft(session: Session, project: Project, user: User | None, occasion: Occasion) -> Pipeline:
    """A pipeline that is not stored yet: it can be compiled, to see what would come of it."""
    request = occasion.merge_request
    return Pipeline(
        project_id=project.id,
        project=project,
        user_id=user.id if user else None,
        user=user,
        source=occasion.source,
        ref=occasion.ref,
        sha=occasion.sha,
        tag=occasion.tag,
        before_sha=occasion.before_sha,
        protected=_protected(session, project, occasion),
        variables=dict(occasion.variables),
        inputs=dict(occasion.inputs),
        includes=[],
        auto_cancel={},
        status="created",
        compiled=False,
        merge_request_id=request.id if request else None,
        merge_request=request,
    )


def note(forge: Forge, session: Session, drafted: Pipeline) -> Pipeline:
    """Store a draft; the planner compiles it once the transaction is over."""
    columns = {each.key for each in inspect(Pipeline).column_attrs} - {"id", "iid", "created_at", "updated_at"}
    last = session.scalar(select(func.max(Pipeline.iid)).where(Pipeline.project_id == drafted.project_id))
    pipeline = Pipeline(iid=(last or 0) + 1, **{name: getattr(drafted, name) for name in sorted(columns)})
    session.add(pipeline)
    session.flush()
    event.listen(session, "after_commit", lambda _: forge.planner.wake(), once=True)
    return pipeline


def has_configuration(project: Project, commit: pygit2.Commit) -> bool:
    """Whether a commit asks for pipelines; a configuration elsewhere counts as there."""
    path = configuration_path(project)
    return "@" in path or "://" in path or blob_at(commit, path) is not None


def place_of(session: Session, request: MergeRequest, user: User) -> Project | None:
    """The project whose variables and runners a merge request's pipeline gets when a user starts it.

    A fork's runs in the fork, unless the user may start pipelines in the parent, which so takes the fork's code for
    its own.
    """
    inside = not request.from_fork or setting(request.project, "ci_allow_fork_pipelines_to_run_in_parent_project")
    for project in (request.project if inside else None, request.source_project):
        if project is not None and level_of(session, Actor(user=user), project) >= Level.DEVELOPER:
            return project
    return None


def _may_have(project: Project, user: User) -> bool:
    return user.state == "active" and not project.archived and setting(project, "builds_access_level") != "disabled"


def _asks_for_none(commit: pygit2.Commit) -> bool:
    message = commit.message.lower()
    return any(mark in message for mark in SKIP_MARKS)


def _pushed_variables(options: Sequence[str]) -> dict[str, Any]:
    found = {}
    for option in options:
        name, _, assignment = option.partition("=")
        key, equals, value = assignment.partition("=")
        if name == "ci.variable" and equals:
            found[key] = {"value": value, "variable_type": "env_var", "raw": False}
    return found


def _protected(session: Session, project: Project, occasion: Occasion) -> bool:
    request = occasion.merge_request
    if request is None:
        return is_protected(session, project, (TAGS if occasion.tag else BRANCHES) + occasion.ref)
    branches = (request.source_branch, request.target_branch)
    inside = request.source_project_id == request.project_id
    return inside and all(is_protected(session, project, BRANCHES + branch) for branch in branches)
