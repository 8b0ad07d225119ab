"""The fleet as data: the group, the projects, runners, agents and applications."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import Field, model_validator

from components.argocd.application_spec import ArgoApplicationSpec
from components.gitlab.agent_spec import AgentSpec
from components.gitlab.group_spec import GitLabGroupSpec
from components.gitlab.project_spec import GitLabProjectSpec
from components.gitlab.runner_spec import RunnerSpec
from components.spec import ProjectPath, Spec, refusal, refuse_all
from stacks.environments import Environment

__all__ = [
    "DATA",
    "ENVIRONMENT_REPOSITORY",
    "PLATFORM_REPOSITORY",
    "AgentsSpec",
    "ApplicationSpec",
    "Document",
    "Fleet",
    "FleetDocuments",
]

DATA: Final = Path(__file__).parent
"""Where the fleet's files are."""

ENVIRONMENT_REPOSITORY: Final = "environments"
"""The project that holds the applications' manifests."""

PLATFORM_REPOSITORY: Final = "platform"
"""The project that holds this program, which the operator runs; a fleet without it is run by people alone."""


class ApplicationSpec(ArgoApplicationSpec):
    """An application and the environments that it runs in."""

    repository: ProjectPath = ENVIRONMENT_REPOSITORY
    """The project whose repository holds its manifests."""
    environments: tuple[Environment, ...] = Field(default=tuple(Environment), min_length=1)
    application_set: bool = False
    """Whether one ApplicationSet, of the stack that owns the forge, makes it in all of them; they share a cluster."""

    @model_validator(mode="after")
    def _differs_where_it_runs(self) -> ApplicationSpec:
        rule = f"an environment that it runs in: {', '.join(self.environments)}"
        refuse_all(
            "ApplicationSpec",
            (
                (("parameters", name), name, refusal(rule, "use one of them, or add it to environments"))
                for name in self.parameters
                if name not in self.environments
            ),
        )
        return self


class AgentsSpec(Spec):
    """The agent of each environment that has one, and the project that they are registered in."""

    project: ProjectPath
    environments: dict[Environment, AgentSpec]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A file as it was read."""

    where: str
    """The file, as people are told."""
    name: str
    """The file's name below its directory, without its suffix."""
    content: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class FleetDocuments:
    """The fleet's files, where they could be read."""

    group: Document | None
    archetypes: Document | None
    projects: Sequence[Document] = ()
    applications: Sequence[Document] = ()
    runners: Document | None = None
    agents: Document | None = None


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """Everything that git says about projects and applications."""

    group: GitLabGroupSpec
    projects: Mapping[str, GitLabProjectSpec]
    """By path below the group."""
    applications: Mapping[str, ApplicationSpec]
    runners: Mapping[str, RunnerSpec] = field(default_factory=dict)
    agents: AgentsSpec | None = None
