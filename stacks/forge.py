"""The forge: group, projects, templates and runners, made by the stack that owns it and looked up by the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import pulumi

from components.gitlab.group import GitLabGroup, GitLabGroupArgs
from components.gitlab.parts import Directory
from components.gitlab.pipeline_template import PipelineTemplate, PipelineTemplateArgs
from components.gitlab.project import GitLabProject, GitLabProjectArgs
from components.gitlab.project_spec import GitLabProjectSpec, TemplateSpec
from components.gitlab.runner import ClusterArgs, GitLabRunner, GitLabRunnerArgs
from components.gitlab.runner_spec import RunnerSpec
from stacks.fleet_model import ENVIRONMENT_REPOSITORY, PLATFORM_REPOSITORY, Fleet
from stacks.preflight import Findings, group_identity
from stacks.settings import Settings
from stacks.templates import read_template

__all__ = ["Forge", "Repository", "look_up_forge", "make_forge"]

Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A project's repository."""

    project_id: pulumi.Input[str]
    url: pulumi.Input[str]
    """Where git finds it over HTTP."""


@dataclass(frozen=True, kw_only=True)
class Forge:
    """What the environment's part needs of the forge, made here or looked up."""

    repository_id: pulumi.Input[str]
    repository_url: pulumi.Input[str]
    agents_id: pulumi.Input[str] | None
    """The project that the agents are registered in."""
    platform: Repository | None
    """The repository with this program, if the fleet has it."""
    web_url: pulumi.Input[str]
    identity: pulumi.Input[str]
    runner_files: Mapping[str, pulumi.Output[Mapping[str, str]]] = field(default_factory=dict)
    """What the machines of the runners need, as secrets, by the runner's name."""


class _Promise(Generic[Value]):
    """An output whose origin is declared later."""

    def __init__(self) -> None:
        promised: tuple[pulumi.Output[Value], Callable[[pulumi.Output[Value]], None]] = pulumi.deferred_output()
        self.output, self.keep = promised


@dataclass(frozen=True, kw_only=True)
class _Promises:
    """Values that are named before what has them is declared: projects and tokens may name each other in circles."""

    projects: Mapping[str, _Promise[int]]
    """The projects' numbers, by path."""
    tokens: Mapping[str, _Promise[str]]
    """The access tokens' values: the group's by name, a project's by ``<project>/<name>``."""

    @classmethod
    def of(cls, fleet: Fleet) -> _Promises:
        """Promise everything that the fleet will have."""
        tokens = [*fleet.group.access_tokens]
        tokens += [f"{path}/{name}" for path, spec in fleet.projects.items() for name in spec.access_tokens]
        return cls(projects={path: _Promise() for path in fleet.projects}, tokens={name: _Promise() for name in tokens})


def make_forge(settings: Settings, fleet: Fleet, findings: Findings) -> Forge:
    """Declare the forge."""
    stack = settings.stack
    promises = _Promises.of(fleet)
    directory = Directory(
        users=findings.forge.people.users,
        groups=findings.forge.people.groups,
        secrets={name: secret.get_secret_value() for name, secret in stack.secrets.items()},
        tokens={name: promise.output for name, promise in promises.tokens.items()},
    )
    group = GitLabGroup(
        "forge",
        GitLabGroupArgs(
            spec=fleet.group,
            path=stack.gitlab.group,
            tier=stack.gitlab.tier,
            protect=stack.forge.protect,
            directory=directory,
        ),
    )
    for name, token in group.access_tokens.items():
        promises.tokens[name].keep(token)
    projects = _make_projects(settings, fleet, group, directory, promises)
    runners = {name: _make_runner(name, spec, settings, group, projects) for name, spec in fleet.runners.items()}
    repository = projects[ENVIRONMENT_REPOSITORY]
    platform = projects.get(PLATFORM_REPOSITORY)
    return Forge(
        repository_id=repository.project_id,
        repository_url=repository.clone_url,
        agents_id=projects[fleet.agents.project].project_id if fleet.agents else None,
        platform=Repository(project_id=platform.project_id, url=platform.clone_url) if platform else None,
        web_url=group.web_url,
        # Who the instance is, GitLab tells once it has made the group.
        identity=group.group_id.apply(
            lambda made: findings.forge.identity if made == findings.forge.group_id else group_identity(settings, made)
        ),
        runner_files={name: runners[name].files for name, spec in fleet.runners.items() if spec.package},
    )


def look_up_forge(findings: Findings) -> Forge:
    """Return what the stack that owns the forge made."""
    forge = findings.forge
    if forge.repository_id is None or forge.repository_url is None or forge.web_url is None:
        raise LookupError("the first look at GitLab did not find the forge")
    return Forge(
        repository_id=forge.repository_id,
        repository_url=forge.repository_url,
        agents_id=forge.agents_id,
        platform=(
            Repository(project_id=forge.platform_id, url=forge.platform_url)
            if forge.platform_id and forge.platform_url
            else None
        ),
        web_url=forge.web_url,
        identity=forge.identity,
    )


def _make_projects(
    settings: Settings, fleet: Fleet, group: GitLabGroup, directory: Directory, promises: _Promises
) -> dict[str, GitLabProject]:
    stack = settings.stack
    projects = {}
    for path, spec in fleet.projects.items():
        projects[path] = GitLabProject(
            path,
            GitLabProjectArgs(
                spec=spec,
                group_id=group.group_ids[spec.group] if spec.group else group.group_id,
                group_path=stack.gitlab.group,
                tier=stack.gitlab.tier,
                protect=stack.forge.protect,
                directory=directory,
                group_labels=group.label_ids,
                project_ids={name: promise.output for name, promise in promises.projects.items()},
                group_ids={name: id_.apply(int) for name, id_ in group.group_ids.items()},
                hook_tokens={hook: stack.hook_tokens[f"{path}/{hook}"].get_secret_value() for hook in spec.hooks},
            ),
            opts=_formerly(spec),
        )
        promises.projects[path].keep(projects[path].project_id.apply(int))
        for name, token in projects[path].access_tokens.items():
            promises.tokens[f"{path}/{name}"].keep(token)
        if spec.template is not None:
            _publish(path, spec, spec.template, projects[path])
    return projects


def _formerly(spec: GitLabProjectSpec, suffix: str = "") -> pulumi.ResourceOptions:
    """Return the options by which what was renamed is still the same; so are its children, named after it."""
    return pulumi.ResourceOptions(aliases=[pulumi.Alias(name=f"{former}{suffix}") for former in spec.formerly])


def _publish(path: str, spec: GitLabProjectSpec, template: TemplateSpec, project: GitLabProject) -> None:
    PipelineTemplate(
        f"{path}-template",
        PipelineTemplateArgs(
            spec=template,
            project_id=project.project_id,
            branch=spec.default_branch,
            files=read_template(template.folder),
        ),
        opts=_formerly(spec, "-template"),
    )


def _make_runner(
    name: str, spec: RunnerSpec, settings: Settings, group: GitLabGroup, projects: Mapping[str, GitLabProject]
) -> GitLabRunner:
    stack = settings.stack
    places = {"group_id": group.group_ids[spec.group] if spec.group else group.group_id}
    if spec.project:
        places = {"project_id": projects[spec.project].project_id}
    elif spec.instance:
        places = {}
    return GitLabRunner(
        name,
        GitLabRunnerArgs(
            spec=spec,
            gitlab_url=settings.gitlab.url,
            **places,
            cluster=ClusterArgs(
                environment=settings.environment,
                owner=stack.testbed.owner,
                argocd_namespace=stack.argocd.namespace,
                server=stack.argocd.server,
            ),
        ),
        opts=_machine(name, spec),
    )


def _machine(name: str, spec: RunnerSpec) -> pulumi.ResourceOptions | None:
    """Return the options by which a runner's container goes to its own Docker host."""
    if spec.docker is None:
        return None
    # Half a second of import time, for a way to run that few stacks use.
    import pulumi_docker as docker

    return pulumi.ResourceOptions(providers=[docker.Provider(f"{name}-host", host=spec.docker.host)])
