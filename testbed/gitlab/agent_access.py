"""Which agents the jobs of a project may use: what agents' configuration files say under ``ci_access``."""

from __future__ import annotations

from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from testbed.gitlab.forge import Forge
from testbed.gitlab.repositories.reading import blob_at, resolve
from testbed.gitlab.store import Agent, Project

__all__ = ["agents_for", "configuration"]

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


def agents_for(forge: Forge, session: Session, project: Project) -> list[tuple[Agent, dict[str, Any]]]:
    """The agents that jobs of a project may use, each with the entry that says so.

    An agent is always open to its own project. Others must be of the same top-level group; the most specific entry
    wins.
    """
    top = project.full_path.partition("/")[0]
    found = []
    for agent in session.scalars(select(Agent).order_by(Agent.id)):
        if agent.project.full_path.partition("/")[0] != top:
            continue
        entry = _entry(configuration(forge, agent).get("ci_access"), project)
        if entry is None and agent.project_id == project.id:
            entry = {}
        if entry is not None:
            found.append((agent, entry))
    return found


def _entry(access: Any, project: Project) -> dict[str, Any] | None:
    if not isinstance(access, dict):
        return None
    paths = [("projects", project.full_path), *(("groups", each.full_path) for each in project.namespace.lineage())]
    for kind, path in paths:
        for entry in access.get(kind) or []:
            if isinstance(entry, dict) and str(entry.get("id", "")).lower() == path.lower():
                return {key: value for key, value in entry.items() if key != "id"}
    return None
