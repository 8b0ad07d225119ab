"""Settings of projects, as pipelines ask for them."""

from __future__ import annotations

from typing import Any

from testbed.gitlab.api.project_attributes import DEFAULTS
from testbed.gitlab.store import Project

__all__ = ["configuration_path", "setting"]


def setting(project: Project, name: str) -> Any:
    """A setting of a project, or its default."""
    return project.attributes.get(name, DEFAULTS[name])


def configuration_path(project: Project) -> str:
    """Where the configuration is: a path in the repository, ``path@group/project`` or ``path@group/project:ref``."""
    return setting(project, "ci_config_path") or ".gitlab-ci.yml"
