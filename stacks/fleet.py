"""The fleet as data: the group, the projects with their archetypes, and the applications.

A project's file holds what deviates from its archetype. Everything is read and cross-checked before any resource
exists, and every offender of every file is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from components.argocd_application import ArgoApplicationSpec
from components.gitlab_group import GitLabGroupSpec, group_violations
from components.gitlab_project import GitLabProjectSpec, project_violations
from components.spec import Slug
from stacks.documents import read_mapping, validate
from stacks.environments import Environment
from stacks.problems import Collector, ConfigurationError, Problem, show

__all__ = ["DATA", "ENVIRONMENT_REPOSITORY", "ApplicationSpec", "Fleet", "load_fleet"]

DATA: Final = Path(__file__).parent
"""Where the fleet's files are."""

ENVIRONMENT_REPOSITORY: Final = "environments"
"""The project that holds the applications' manifests."""


class ApplicationSpec(ArgoApplicationSpec):
    """An application and the environments that it runs in."""

    repository: Slug = ENVIRONMENT_REPOSITORY
    """The project whose repository holds its manifests."""
    environments: tuple[Environment, ...] = Field(default=tuple(Environment), min_length=1)


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Everything that git says about projects and applications."""

    group: GitLabGroupSpec
    projects: Mapping[str, GitLabProjectSpec]
    applications: Mapping[str, ApplicationSpec]


def load_fleet(data: Path = DATA) -> Fleet:
    """Read and cross-check the fleet.

    Args:
        data: the directory with ``group.yaml``, ``archetypes.yaml``, ``projects/`` and ``applications/``.

    Raises:
        ConfigurationError: with every problem of every file.
    """
    collector = Collector()
    group_file = _where(data / "group.yaml", data)
    group_data = collector.attempt(read_mapping, data / "group.yaml", group_file)
    group = None if group_data is None else collector.attempt(validate, GitLabGroupSpec, group_data, group_file)
    if group is not None:
        collector.refuse_all(group_file, group_violations(group))
    archetypes = _archetypes(data, collector)
    projects = _projects(data, archetypes, collector)
    applications = _applications(data, collector)
    _check_repositories(applications, projects, collector)
    collector.close()
    return Fleet(
        group=group or GitLabGroupSpec(),
        projects={spec.name: spec for _, spec in projects},
        applications={spec.name: spec for _, spec in applications},
    )


def _where(path: Path, data: Path) -> str:
    return f"{data.name}/{path.relative_to(data).as_posix()}"


def _documents(data: Path, directory: str, collector: Collector) -> Iterable[tuple[str, str, dict[str, Any]]]:
    """Yield the display name, the stem and the content of each readable file."""
    for path in sorted((data / directory).glob("*.yaml")):
        where = _where(path, data)
        content = collector.attempt(read_mapping, path, where)
        if content is not None:
            yield where, path.stem, content


def _archetypes(data: Path, collector: Collector) -> dict[str, dict[str, Any]]:
    """Return the archetypes that are right, each with what it extends merged in."""
    path = data / "archetypes.yaml"
    where = _where(path, data)
    raw = collector.attempt(read_mapping, path, where) or {}
    resolved: dict[str, dict[str, Any]] = {}
    for name in raw:
        merged = collector.attempt(_resolve, name, raw, where, ())
        if merged is None:
            continue
        if collector.attempt(validate, GitLabProjectSpec, {**merged, "name": "any"}, f"{where}, {name}"):
            resolved[name] = merged
    return resolved


def _resolve(name: str, raw: Mapping[str, Any], where: str, below: Sequence[str]) -> dict[str, Any]:
    own = raw[name]
    rule = "an archetype is a mapping, and extends another one at most, never itself in a circle"
    if not isinstance(own, dict):
        problem = Problem(where=f"{where}, {name}", value=f"value {show(own)}", rule=rule, remedy="write a mapping")
        raise ConfigurationError([problem])
    parent = own.get("extends")
    if parent is None:
        return dict(own)
    if parent in below or parent == name or parent not in raw:
        others = ", ".join(sorted(set(raw) - {name, *below}))
        problem = Problem(
            where=f"{where}, {name}.extends", value=f"value {show(parent)}", rule=rule, remedy=f"use one of: {others}"
        )
        raise ConfigurationError([problem])
    inherited = _resolve(str(parent), raw, where, (*below, name))
    return _merged(inherited, {key: value for key, value in own.items() if key != "extends"})


def _merged(base: Mapping[str, Any], delta: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base with the delta over it: mappings merge, everything else is replaced."""
    merged = dict(base)
    for key, value in delta.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _projects(
    data: Path, archetypes: Mapping[str, dict[str, Any]], collector: Collector
) -> list[tuple[str, GitLabProjectSpec]]:
    specs = []
    for where, stem, content in _documents(data, "projects", collector):
        archetype = content.pop("archetype", None)
        if archetype is not None and archetype not in archetypes:
            collector.refuse(
                f"{where}, archetype",
                f"value {show(archetype)}",
                f"an archetype of archetypes.yaml that is right: {', '.join(sorted(archetypes)) or 'there is none'}",
                "use one of them, or correct the archetype",
            )
            continue
        complete = _merged(archetypes.get(archetype or "", {}), content)
        spec = collector.attempt(validate, GitLabProjectSpec, complete, where)
        if spec is not None:
            specs.append((where, spec))
            _check_file_name(where, stem, spec.name, collector)
            collector.refuse_all(where, project_violations(spec))
    _check_unique(((where, spec.name) for where, spec in specs), "project", collector)
    if ENVIRONMENT_REPOSITORY not in {spec.name for _, spec in specs}:
        collector.refuse(
            f"{data.name}/projects",
            f"no project is named {ENVIRONMENT_REPOSITORY!r}",
            "Argo CD reads the applications from the environment repository",
            f"add projects/{ENVIRONMENT_REPOSITORY}.yaml, or correct it",
        )
    return specs


def _applications(data: Path, collector: Collector) -> list[tuple[str, ApplicationSpec]]:
    specs = []
    for where, stem, content in _documents(data, "applications", collector):
        spec = collector.attempt(validate, ApplicationSpec, content, where)
        if spec is not None:
            specs.append((where, spec))
            _check_file_name(where, stem, spec.name, collector)
    _check_unique(((where, spec.name) for where, spec in specs), "application", collector)
    return specs


def _check_file_name(where: str, stem: str, name: str, collector: Collector) -> None:
    if stem != name:
        collector.refuse(
            f"{where}, name",
            f"value {show(name)}",
            "a file is named after what it holds",
            f"rename the file to {name}.yaml, or set name to {stem}",
        )


def _check_unique(named: Iterable[tuple[str, str]], kind: str, collector: Collector) -> None:
    first: dict[str, str] = {}
    for where, name in named:
        if name in first:
            collector.refuse(
                f"{where}, name",
                f"value {show(name)}",
                f"each {kind} is declared once; {first[name]} declares it too",
                "rename one of them, or delete the file that is too many",
            )
        first.setdefault(name, where)


def _check_repositories(
    applications: Sequence[tuple[str, ApplicationSpec]],
    projects: Sequence[tuple[str, GitLabProjectSpec]],
    collector: Collector,
) -> None:
    names = sorted(spec.name for _, spec in projects)
    for where, spec in applications:
        if spec.repository not in names:
            collector.refuse(
                f"{where}, repository",
                f"value {show(spec.repository)}",
                f"a project of the fleet: {', '.join(names) or 'there is none'}",
                "use one of them, or add the project",
            )
