"""What the parts of the fleet say about each other: every name that one of them uses is another one's."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from components.gitlab.project_spec import GitLabProjectSpec
from components.gitlab.specs import VariableSpec
from stacks.fleet_model import ENVIRONMENT_REPOSITORY, Fleet
from stacks.problems import Collector, show
from stacks.templates import template_folders

__all__ = ["check_fleet"]


def check_fleet(fleet: Fleet, root: str, collector: Collector) -> None:
    """Check everything that the fleet's parts say about each other.

    Args:
        fleet: what is right, each part for itself.
        root: what people call the directory with the files.
        collector: gets the problems.
    """
    _Checks(fleet, root, collector).run()


class _Checks:
    """All cross-checks of a fleet; each keeps its problems in the collector."""

    def __init__(self, fleet: Fleet, root: str, collector: Collector) -> None:
        self._fleet = fleet
        self._root = root
        self._collector = collector

    def run(self) -> None:
        """Check everything."""
        self._check_environment_repository()
        served, tokens = _served_tags(self._fleet), _access_tokens(self._fleet)
        self._check_tokens(f"{self._root}/group.yaml", self._fleet.group.variables, tokens)
        for path, spec in self._fleet.projects.items():
            where = f"{self._root}/projects/{path}.yaml"
            self._check_place(where, spec)
            self._check_boards(where, spec)
            self._check_approvers(where, spec)
            self._check_job_tokens(where, spec)
            self._check_runner_tags(where, path, spec, served)
            self._check_template(where, spec)
            self._check_tokens(where, spec.variables, tokens)
        self._check_former_paths()
        self._check_applications()
        self._check_runners()
        self._check_agents()

    def _check_environment_repository(self) -> None:
        if ENVIRONMENT_REPOSITORY not in self._fleet.projects:
            self._collector.refuse(
                f"{self._root}/projects",
                f"no project is named {ENVIRONMENT_REPOSITORY!r}",
                "Argo CD reads the applications from the environment repository",
                f"add projects/{ENVIRONMENT_REPOSITORY}.yaml, or correct it",
            )

    def _known(self, where: str, value: str, known: Collection[str], what: str, add: str) -> None:
        if value not in known:
            self._collector.refuse(
                where,
                f"value {show(value)}",
                f"{what}: {', '.join(sorted(known)) or 'there is none'}",
                f"use one of them, or add {add}",
            )

    def _is_project(self, where: str, value: str) -> None:
        self._known(where, value, self._fleet.projects, "a project of the fleet", "the project")

    def _is_subgroup(self, where: str, value: str) -> None:
        self._known(where, value, self._fleet.group.subgroups, "a subgroup of group.yaml", "it to subgroups")

    def _check_place(self, where: str, spec: GitLabProjectSpec) -> None:
        if spec.group is not None:
            self._is_subgroup(f"{where}, group", spec.group)
        if spec.path in self._fleet.group.subgroups:
            self._collector.refuse(
                f"{where}, name",
                f"value {show(spec.name)}",
                "a group and a project cannot have the same address; group.yaml has a subgroup there",
                "rename one of them",
            )

    def _check_boards(self, where: str, spec: GitLabProjectSpec) -> None:
        labels = {*self._fleet.group.labels, *spec.labels}
        for title, board in spec.boards.items():
            for label in board.lists:
                rule = "a label of the project or of the group"
                self._known(f"{where}, boards.{title}.lists", label, labels, rule, "it to labels")

    def _check_approvers(self, where: str, spec: GitLabProjectSpec) -> None:
        members = {*self._fleet.group.members, *spec.members}
        for name, approval in spec.approvals.items():
            for user in approval.users:
                rule = "an approver is a member of the project or the group"
                self._known(f"{where}, approvals.{name}.users", user, members, rule, "the user to members")

    def _check_job_tokens(self, where: str, spec: GitLabProjectSpec) -> None:
        if spec.job_tokens is not None:
            for path in spec.job_tokens.projects:
                self._is_project(f"{where}, jobTokens.projects", path)
            for path in spec.job_tokens.groups:
                self._is_subgroup(f"{where}, jobTokens.groups", path)

    def _check_runner_tags(
        self, where: str, path: str, spec: GitLabProjectSpec, served: Mapping[str, Collection[str]]
    ) -> None:
        for tag in spec.runner_tags:
            rule = "a tag of a runner that takes the project's jobs"
            self._known(f"{where}, runnerTags", tag, served[path], rule, "a runner with it to runners.yaml")

    def _check_template(self, where: str, spec: GitLabProjectSpec) -> None:
        if spec.template is not None:
            folders = template_folders()
            rule = "a folder of pipelines/ with a template"
            self._known(f"{where}, template.folder", spec.template.folder, folders, rule, "the folder")

    def _check_tokens(self, where: str, variables: Mapping[str, VariableSpec], tokens: Collection[str]) -> None:
        for key, variable in variables.items():
            if variable.token is not None:
                rule = "an access token of the group, or <project>/<token>"
                self._known(f"{where}, variables.{key}.token", variable.token, tokens, rule, "it to accessTokens")

    def _check_former_paths(self) -> None:
        claimed: dict[str, str] = {path: f"the project {path} itself" for path in self._fleet.projects}
        for path, spec in self._fleet.projects.items():
            for former in spec.formerly:
                if former in claimed:
                    self._collector.refuse(
                        f"{self._root}/projects/{path}.yaml, formerly",
                        f"value {show(former)}",
                        f"a former path belongs to one project; this one belongs to {claimed[former]}",
                        "remove it, or correct it",
                    )
                claimed.setdefault(former, f"the project {path}")

    def _check_applications(self) -> None:
        for name, spec in self._fleet.applications.items():
            if spec.repository != ENVIRONMENT_REPOSITORY:
                self._collector.refuse(
                    f"{self._root}/applications/{name}.yaml, repository",
                    f"value {show(spec.repository)}",
                    f"Argo CD reads manifests from the environment repository, {ENVIRONMENT_REPOSITORY}, alone",
                    f"remove repository, and move the manifests to {ENVIRONMENT_REPOSITORY}",
                )

    def _check_runners(self) -> None:
        where = f"{self._root}/runners.yaml"
        for name, spec in self._fleet.runners.items():
            if spec.group is not None:
                self._is_subgroup(f"{where}, {name}.group", spec.group)
            if spec.project is not None:
                self._is_project(f"{where}, {name}.project", spec.project)

    def _check_agents(self) -> None:
        agents = self._fleet.agents
        if agents is None:
            return
        where = f"{self._root}/agents.yaml"
        self._is_project(f"{where}, project", agents.project)
        first: dict[str, str] = {}
        for environment, agent in agents.environments.items():
            if first.setdefault(agent.name, environment) != environment:
                self._collector.refuse(
                    f"{where}, environments.{environment}.name",
                    f"value {show(agent.name)}",
                    f"an agent connects one cluster; that of {first[agent.name]} has this name too",
                    "rename one of them",
                )
        for environment, agent in agents.environments.items():
            key = f"{where}, environments.{environment}"
            for access in agent.ci_access:
                if access.project is not None:
                    self._is_project(f"{key}.ciAccess", access.project)
                if access.group is not None:
                    self._is_subgroup(f"{key}.ciAccess", access.group)
            for path in agent.user_access.projects if agent.user_access else ():
                self._is_project(f"{key}.userAccess.projects", path)
            for path in agent.user_access.groups if agent.user_access else ():
                self._is_subgroup(f"{key}.userAccess.groups", path)


def _access_tokens(fleet: Fleet) -> set[str]:
    """Return how variables may name the fleet's access tokens."""
    return {
        *fleet.group.access_tokens,
        *(f"{path}/{token}" for path, spec in fleet.projects.items() for token in spec.access_tokens),
    }


def _served_tags(fleet: Fleet) -> dict[str, set[str]]:
    """Return, for each project, the tags of the runners that take its jobs."""
    return {path: set(_tags_for(fleet, path)) for path in fleet.projects}


def _tags_for(fleet: Fleet, path: str) -> Iterator[str]:
    for runner in fleet.runners.values():
        everywhere = runner.project is None and runner.group is None
        inside = runner.group is not None and path.startswith(f"{runner.group}/")
        if everywhere or inside or runner.project == path:
            yield from runner.tags
