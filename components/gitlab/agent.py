"""The GitLab half of the agent for Kubernetes: its registration, its token and its configuration file.

What runs in the cluster is not made here: it needs only the token. The configuration lives in a project to which
nobody but this program commits, so that whoever may push code cannot widen what the agent may be used for.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_gitlab as gitlab

from components.gitlab.agent_spec import AgentSpec, config_path, config_yaml

__all__ = ["GitLabAgent", "GitLabAgentArgs"]


@dataclass(frozen=True, kw_only=True)
class GitLabAgentArgs:
    """The agent's data, and the project it is registered in."""

    spec: AgentSpec
    project_id: pulumi.Input[str]
    branch: str
    """The project's default branch: GitLab reads the configuration from there."""
    group_path: str
    """The platform's group."""


class GitLabAgent(pulumi.ComponentResource):
    """An agent that GitLab knows."""

    agent_id: pulumi.Output[int]
    """The agent's number."""
    token: pulumi.Output[str]
    """By which the agent in the cluster proves who it is, a secret."""

    def __init__(self, name: str, args: GitLabAgentArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:gitlab:Agent", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        spec = args.spec

        agent = gitlab.ClusterAgent(f"{name}-agent", project=args.project_id, name=spec.name, opts=child)
        token = gitlab.ClusterAgentToken(
            f"{name}-token",
            project=args.project_id,
            agent_id=agent.agent_id,
            name=f"{spec.name}-cluster",
            description="For the agent that runs in the cluster.",
            opts=child,
        )
        gitlab.RepositoryFile(
            f"{name}-configuration",
            project=args.project_id,
            branch=args.branch,
            file_path=config_path(spec.name),
            content=config_yaml(spec, args.group_path),
            encoding="text",
            commit_message=f"chore(agents): configure {spec.name}",
            overwrite_on_create=True,
            opts=child,
        )

        self.agent_id = agent.agent_id
        self.token = pulumi.Output.secret(token.token)
        self.register_outputs({"agentId": self.agent_id, "token": self.token})
