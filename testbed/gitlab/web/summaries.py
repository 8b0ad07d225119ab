"""What several parts of the page show in short: pipelines by stage, directories, lists of environments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import pygit2
from sqlalchemy import ColumnElement, and_, func, or_, select, true
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import member_of
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.levels import Level, Visibility
from testbed.gitlab.store import Deployment, Environment, Job, Pipeline, Project
from testbed.gitlab.web.graph import Stage, stages_of
from testbed.gitlab.web.visits import Visit

__all__ = [
    "MOVING",
    "Entry",
    "code_readable",
    "directory",
    "last_deployments",
    "newest_pipelines",
    "pipelines_readable",
    "shows",
    "stages_by_pipeline",
]

MOVING = frozenset({"created", "waiting_for_resource", "preparing", "pending", "running", "canceling", "scheduled"})
"""Statuses that change by themselves, so that a page which shows one keeps itself up to date."""


@dataclass(frozen=True)
class Entry:
    """Something in a directory."""

    name: str
    kind: str
    """``folder``, ``file`` or ``link``: a submodule, whose files are elsewhere."""
    size: int | None


def directory(tree: pygit2.Tree) -> list[Entry]:
    """What is in a directory: folders first."""
    entries = []
    for each in tree:
        name = each.name or ""
        if isinstance(each, pygit2.Tree):
            entries.append(Entry(name, "folder", None))
        elif isinstance(each, pygit2.Blob):
            entries.append(Entry(name, "file", each.size))
        else:
            entries.append(Entry(name, "link", None))
    return sorted(entries, key=lambda entry: (entry.kind != "folder", entry.name.lower()))


def stages_by_pipeline(session: Session, pipelines: Sequence[Pipeline]) -> dict[int, list[Stage]]:
    """The stages of several pipelines, found with one query."""
    found: defaultdict[int, list[Job]] = defaultdict(list)
    jobs = select(Job).where(Job.pipeline_id.in_([each.id for each in pipelines]), Job.retried.is_(False))
    for job in session.scalars(jobs).unique():
        found[job.pipeline_id].append(job)
    return {each.id: stages_of(found[each.id]) for each in pipelines}


def last_deployments(session: Session, environments: Sequence[Environment]) -> dict[int, Deployment]:
    """The newest deployment that succeeded, by number of the environment."""
    newest = (
        select(func.max(Deployment.id))
        .where(Deployment.environment_id.in_([each.id for each in environments]), Deployment.status == "success")
        .group_by(Deployment.environment_id)
    )
    found = session.scalars(select(Deployment).where(Deployment.id.in_(newest)))
    return {each.environment_id: each for each in found}


def code_readable(session: Session, actor: Actor) -> ColumnElement[bool]:
    """The condition that an actor may see a project's files and merge requests; `reads_code` for many projects."""
    return true() if actor.admin else or_(_open_to(actor), member_of(session, actor, Level.REPORTER))


def pipelines_readable(session: Session, actor: Actor) -> ColumnElement[bool]:
    """The condition that an actor may see a project's pipelines; `readable_project` for many projects."""
    if actor.admin:
        return true()
    shown = Project.attributes["public_jobs"].as_boolean().is_distinct_from(False)
    guest = or_(_open_to(actor), member_of(session, actor, Level.GUEST))
    return or_(and_(shown, guest), member_of(session, actor, Level.REPORTER))


def shows(visit: Visit, pipeline: Pipeline | None) -> bool:
    """Whether there is a pipeline that the visitor may see; it can be another project's."""
    if pipeline is None:
        return False
    there = select(Project.id).where(Project.id == pipeline.project_id)
    return visit.session.scalar(there.where(pipelines_readable(visit.session, visit.actor))) is not None


def _open_to(actor: Actor) -> ColumnElement[bool]:
    opened = [Visibility.PUBLIC]
    if actor.user is not None and not actor.user.external:
        opened.append(Visibility.INTERNAL)
    return Project.visibility.in_(opened)


def newest_pipelines(visit: Visit, shas: Sequence[str]) -> dict[str, Pipeline]:
    """The newest pipeline of each commit that has one, where the visitor may see pipelines."""
    if not visit.sees_pipelines:
        return {}
    newest = (
        select(func.max(Pipeline.id))
        .where(Pipeline.project_id == visit.project.id, Pipeline.sha.in_(shas))
        .group_by(Pipeline.sha)
    )
    return {each.sha: each for each in visit.session.scalars(select(Pipeline).where(Pipeline.id.in_(newest))).unique()}
