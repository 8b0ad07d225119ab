"""Who may use which agent: what agents' configuration files say under ``ci_access`` and ``user_access``."""

from __future__ import annotations

from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.core.access import level_of
from testbed.gitlab.core.actor import Actor
from testbed.gitlab.core.levels import Level
from testbed.gitlab.core.wildcards import matches
from testbed.gitlab.forge import Forge
from testbed.gitlab.repositories.reading import blob_at, resolve
from testbed.gitlab.store import Agent, Job, Namespace, Project, User

__all__ = ["agents_for", "configuration", "opens_to_user"]

LARGEST = 128 * 1024
"""Bytes of a configuration file; GitLab's agent server reads no larger one."""


def configuration(forge: Forge, agent: Agent) -> dict[str, Any]:
    """The configuration file of an agent, from the default branch of its project; empty when there is none to read."""
    commit = resolve(forge.storage.open(agent.project_id), agent.project.default_branch)
    found = blob_at(commit, f".gitlab/agents/{agent.name}/config.yaml") if commit is not None else None
    if found is None or found[0].size > LARGEST:
        return {}
    try:
        content = yaml.safe_load(found[0].data)
    except yaml.YAMLError:
        return {}
    return content if isinstance(content, dict) else {}


def agents_for(forge: Forge, session: Session, job: Job) -> list[tuple[Agent, dict[str, Any]]]:
    """The agents that a job may use, each with the entry that says so.

    Agents of other projects must be of the same top-level group. The most specific entry wins: the project's own,
    then that an agent is open to its own project, then the nearest group's.
    """
    top = _top(job.project)
    found = []
    for agent in session.scalars(select(Agent).order_by(Agent.id)):
        if _top(agent.project) == top:
            entry = _entry(configuration(forge, agent).get("ci_access"), job.project, agent)
            if entry is not None and _admits(entry, job):
                found.append((agent, entry))
    return found


def opens_to_user(forge: Forge, session: Session, agent: Agent, user: User) -> bool:
    """Whether somebody may use an agent: as Developer of a project or group that ``user_access`` names."""
    access = configuration(forge, agent).get("user_access")
    # The double speaks for agents alone: to speak for the user is GitLab Premium's.
    if not isinstance(access, dict) or "agent" not in access.get("access_as", {"agent": {}}):
        return False
    projects = session.scalars(select(Project).where(Project.full_path.in_(_paths(access.get("projects")))))
    groups = session.scalars(select(Namespace).where(Namespace.full_path.in_(_paths(access.get("groups")))))
    return any(
        _top(place) == _top(agent.project) and level_of(session, Actor(user=user), place) >= Level.DEVELOPER
        for place in (*projects, *groups)
    )


def _top(place: Project | Namespace) -> str:
    return place.full_path.partition("/")[0]


def _paths(entries: Any) -> list[str]:
    return [str(each.get("id", "")) for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []


def _entry(access: Any, project: Project, agent: Agent) -> dict[str, Any] | None:
    named = access if isinstance(access, dict) else {}
    own = _named(named.get("projects"), project.full_path)
    if own is not None:
        return own
    if agent.project_id == project.id:
        return {}
    found = (_named(named.get("groups"), each.full_path) for each in project.namespace.lineage())
    return next((entry for entry in found if entry is not None), None)


def _named(entries: Any, path: str) -> dict[str, Any] | None:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and str(entry.get("id", "")).lower() == path.lower():
            return {key: value for key, value in entry.items() if key != "id"}
    return None


def _admits(entry: dict[str, Any], job: Job) -> bool:
    patterns = entry.get("environments")
    if patterns:
        environment = job.environment.name if job.environment is not None else None
        if environment is None or not any(matches(str(pattern), environment) for pattern in patterns):
            return False
    return job.pipeline.protected or not entry.get("protected_branches_only")
