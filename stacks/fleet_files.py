"""Reading the fleet's files: each is checked for itself, and a project's goes over its archetype."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from components.argocd.application_spec import application_violations
from components.gitlab.agent_cluster_spec import rights_violations
from components.gitlab.group_spec import GitLabGroupSpec, group_violations
from components.gitlab.project_spec import GitLabProjectSpec, project_violations
from components.gitlab.runner_spec import RunnerSpec
from stacks.archetypes import merged, resolve_archetypes
from stacks.documents import read_mapping, validate
from stacks.fleet_model import AgentsSpec, ApplicationSpec, Document, Fleet, FleetDocuments
from stacks.problems import Collector, show

__all__ = ["parse_fleet", "read_fleet"]

Model = TypeVar("Model", bound=BaseModel)


def read_fleet(data: Path, collector: Collector) -> FleetDocuments:
    """Return the fleet's files.

    Args:
        data: the directory with ``group.yaml``, ``archetypes.yaml``, ``runners.yaml``, ``agents.yaml``, ``projects/``
            and ``applications/``.
        collector: gets the problems of files that cannot be read.
    """

    def read(path: Path, root: Path = data) -> Document | None:
        where = f"{data.name}/{path.relative_to(data).as_posix()}"
        content = collector.attempt(read_mapping, path, where)
        name = path.relative_to(root).with_suffix("").as_posix()
        return None if content is None else Document(where=where, name=name, content=content)

    def read_all(directory: Path) -> list[Document]:
        found = (read(path, directory) for path in sorted(directory.rglob("*.yaml")))
        return [document for document in found if document is not None]

    return FleetDocuments(
        group=read(data / "group.yaml"),
        archetypes=read(data / "archetypes.yaml"),
        projects=read_all(data / "projects"),
        applications=read_all(data / "applications"),
        runners=read(data / "runners.yaml"),
        agents=read(data / "agents.yaml"),
    )


def parse_fleet(documents: FleetDocuments, collector: Collector) -> Fleet:
    """Return what is right in the files, each for itself; the collector gets the problems of the rest."""
    group = None
    if documents.group is not None:
        group = collector.attempt(validate, GitLabGroupSpec, documents.group.content, documents.group.where)
        if group is not None:
            collector.refuse_all(documents.group.where, group_violations(group))
    projects = _projects(documents, collector)
    applications = _applications(documents.applications, collector)
    runners = _entries(documents.runners, RunnerSpec, collector)
    agents = None
    if documents.agents is not None and documents.agents.content:
        agents = collector.attempt(validate, AgentsSpec, documents.agents.content, documents.agents.where)
        for environment, agent in agents.environments.items() if agents else ():
            where = f"{documents.agents.where}, environments.{environment}.cluster.rights"
            collector.refuse_all(where, rights_violations(agent.cluster.rights))
    return Fleet(
        group=group or GitLabGroupSpec(), projects=projects, applications=applications, runners=runners, agents=agents
    )


def _projects(documents: FleetDocuments, collector: Collector) -> dict[str, GitLabProjectSpec]:
    raw = documents.archetypes
    archetypes = {} if raw is None else resolve_archetypes(raw.content, raw.where, collector)
    found: dict[str, tuple[str, GitLabProjectSpec]] = {}
    for document in documents.projects:
        spec = _project(document, archetypes, collector)
        if spec is not None:
            _check_file_name(document, spec.path, collector)
            collector.refuse_all(document.where, project_violations(spec))
            _check_first(document, spec.path, "project", found, collector)
            found.setdefault(spec.path, (document.where, spec))
    return {path: spec for path, (_, spec) in sorted(found.items())}


def _project(
    document: Document, archetypes: Mapping[str, dict[str, Any]], collector: Collector
) -> GitLabProjectSpec | None:
    own = {key: value for key, value in document.content.items() if key != "archetype"}
    archetype = document.content.get("archetype")
    if archetype is not None and archetype not in archetypes:
        collector.refuse(
            f"{document.where}, archetype",
            f"value {show(archetype)}",
            f"an archetype of archetypes.yaml that is right: {', '.join(sorted(archetypes)) or 'there is none'}",
            "use one of them, or correct the archetype",
        )
        return None
    complete = merged(archetypes.get(archetype or "", {}), own)
    return collector.attempt(validate, GitLabProjectSpec, complete, document.where)


def _applications(documents: Sequence[Document], collector: Collector) -> dict[str, ApplicationSpec]:
    found: dict[str, tuple[str, ApplicationSpec]] = {}
    for document in documents:
        spec = collector.attempt(validate, ApplicationSpec, document.content, document.where)
        if spec is not None:
            _check_file_name(document, spec.name, collector)
            collector.refuse_all(document.where, application_violations(spec))
            _check_first(document, spec.name, "application", found, collector)
            found.setdefault(spec.name, (document.where, spec))
    return {name: spec for name, (_, spec) in sorted(found.items())}


def _entries(document: Document | None, model: type[Model], collector: Collector) -> dict[str, Model]:
    """Return the entries of a file that maps names to specifications."""
    if document is None:
        return {}
    found = {
        name: collector.attempt(validate, model, content, f"{document.where}, {name}")
        for name, content in sorted(document.content.items())
    }
    return {name: spec for name, spec in found.items() if spec is not None}


def _check_file_name(document: Document, name: str, collector: Collector) -> None:
    if document.name != name:
        collector.refuse(
            f"{document.where}, name",
            f"value {show(name)}",
            "a file is named after what it holds",
            f"rename the file to {name}.yaml, or correct what it says",
        )


def _check_first(
    document: Document, name: str, kind: str, found: Mapping[str, tuple[str, Any]], collector: Collector
) -> None:
    if name in found:
        collector.refuse(
            f"{document.where}, name",
            f"value {show(name)}",
            f"each {kind} is declared once; {found[name][0]} declares it too",
            "rename one of them, or delete the file that is too many",
        )
