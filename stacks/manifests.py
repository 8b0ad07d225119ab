"""Whether the environment repository has the manifests that the stack's applications are made of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

import gitlab
from gitlab.v4.objects import Project

from components.jupyterhub.configuration import JUPYTERHUB
from components.monitoring.delivery import MONITORING
from components.naming import overlay_path
from components.ondemand.configuration import ONDEMAND
from stacks.environments import Environment
from stacks.fleet_model import ENVIRONMENT_REPOSITORY, ApplicationSpec, Fleet
from stacks.problems import Collector, show
from stacks.settings import Settings, stack_file

__all__ = ["check_manifests"]

_FOLDER: Final = PurePosixPath("applications")


def check_manifests(repository: Project | None, settings: Settings, fleet: Fleet) -> None:
    """Look for every application's directory on the branch that drives it.

    A branch without applications has not been filled yet: the forge is there before its contents.

    Args:
        repository: the environment repository's project, if it is there yet.
        settings: the stack's.
        fleet: its applications.

    Raises:
        ConfigurationError: with every directory that is not there.
    """
    if repository is None:
        return
    collector = Collector()
    there: dict[Environment, set[PurePosixPath]] = {}
    for where, path, environment in _directories(settings, fleet):
        if environment not in there:
            there[environment] = _directories_on(repository, environment.branch)
        if _FOLDER in there[environment] and PurePosixPath(path) not in there[environment]:
            collector.refuse(
                where,
                f"path {show(path)}",
                f"an application's manifests are in {ENVIRONMENT_REPOSITORY}, on the branch {environment.branch}",
                f"add the directory there first (bighpc seed, for one of this checkout), or correct {where}",
            )
    collector.close()


def _directories(settings: Settings, fleet: Fleet) -> Iterator[tuple[str, str, Environment]]:
    """Yield the directories: what names each, where it is, and the environment that it is for."""
    here, stack = settings.environment, settings.stack
    for name, spec in fleet.applications.items():
        for environment in _environments(spec, here, owner=stack.forge.owner):
            source = spec.source_in(environment, environment.branch)
            if "repoURL" not in source:
                yield f"stacks/applications/{name}.yaml", source["path"], environment
    services = {
        MONITORING: stack.monitoring is not None and stack.monitoring.chart is None,
        JUPYTERHUB: stack.jupyterhub is not None and stack.jupyterhub.chart is None,
        ONDEMAND: stack.ondemand is not None,
    }
    for name in (name for name, ours in services.items() if ours):
        yield f"{stack_file(here.stack)}, {name}", overlay_path(name, here), here


def _environments(spec: ApplicationSpec, here: Environment, *, owner: bool) -> tuple[Environment, ...]:
    """Return the environments in which this stack makes an application."""
    if not spec.application_set:
        return (here,)
    return spec.environments if owner else ()


def _directories_on(repository: Project, branch: str) -> set[PurePosixPath]:
    """Return all directories: one request for a hundred entries, where a thousand applications would take one each."""
    try:
        entries = repository.repository_tree(ref=branch, recursive=True, per_page=100, iterator=True)
        return {PurePosixPath(each["path"]) for each in entries if each["type"] == "tree"}
    except gitlab.GitlabGetError as error:
        if error.response_code != 404:
            raise
        return set()
