"""What git says about a GitLab agent for Kubernetes, and the configuration file that GitLab reads of it. Pure."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import Field, model_validator

from components.gitlab.agent_cluster_spec import AgentClusterSpec
from components.naming import is_dns_label
from components.spec import DnsLabel, ProjectPath, Spec, Text, refusal

__all__ = ["AccessSpec", "AgentSpec", "UserAccessSpec", "config_path", "config_yaml"]


class AccessSpec(Spec):
    """Whose jobs get a Kubernetes context of the agent: those of a project, or of all projects of a group."""

    project: ProjectPath | None = None
    """Below the platform's group."""
    group: ProjectPath | None = None
    """A subgroup, likewise."""
    default_namespace: DnsLabel | None = None
    environments: tuple[Text, ...] = ()
    """Only jobs that deploy to one of these GitLab environments; none named: all jobs."""
    protected_branches_only: bool = True

    @model_validator(mode="after")
    def _is_of_one_place(self) -> AccessSpec:
        if (self.project is None) == (self.group is None):
            raise refusal("access is given to a project or to a group", "write exactly one of project and group")
        return self


class UserAccessSpec(Spec):
    """Whose members may reach the cluster from their own machines, with the agent's rights."""

    projects: tuple[ProjectPath, ...] = ()
    groups: tuple[ProjectPath, ...] = ()


class AgentSpec(Spec):
    """An agent: it connects a cluster to GitLab from the inside, so that no port is open to the outside."""

    name: DnsLabel
    ci_access: tuple[AccessSpec, ...] = Field(default=())
    user_access: UserAccessSpec | None = None
    cluster: AgentClusterSpec = AgentClusterSpec()

    @model_validator(mode="after")
    def _its_namespace_has_a_name(self) -> AgentSpec:
        if not is_dns_label(self.namespace):
            raise refusal(
                f"the agent's namespace takes 63 characters; {self.namespace} has {len(self.namespace)}",
                "use a shorter name, or set cluster.namespace",
            )
        return self

    @property
    def namespace(self) -> str:
        """The agent's own namespace in the cluster."""
        return self.cluster.namespace or f"gitlab-agent-{self.name}"


def config_path(agent: str) -> str:
    """Return where in its project GitLab looks for an agent's configuration."""
    return f".gitlab/agents/{agent}/config.yaml"


def config_yaml(spec: AgentSpec, group: str) -> str:
    """Return the agent's configuration.

    Args:
        spec: the agent.
        group: the path of the platform's group, which the file has to name in full.
    """
    document: dict[str, Any] = {}
    ci = {
        "projects": [_access(each, f"{group}/{each.project}") for each in spec.ci_access if each.project],
        "groups": [_access(each, f"{group}/{each.group}") for each in spec.ci_access if each.group],
    }
    if spec.ci_access:
        document["ci_access"] = {kind: entries for kind, entries in ci.items() if entries}
    users = spec.user_access
    if users:
        document["user_access"] = {"access_as": {"agent": {}}} | {
            kind: [{"id": f"{group}/{path}"} for path in paths]
            for kind, paths in (("projects", users.projects), ("groups", users.groups))
            if paths
        }
    return "# Written by the platform's program; changes here are undone by its next update.\n" + yaml.safe_dump(
        document, sort_keys=False
    )


def _access(spec: AccessSpec, id_: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": id_}
    if spec.default_namespace:
        entry["default_namespace"] = spec.default_namespace
    if spec.environments:
        entry["environments"] = list(spec.environments)
    if spec.protected_branches_only:
        entry["protected_branches_only"] = True
    return entry
