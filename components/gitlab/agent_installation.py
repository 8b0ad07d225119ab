"""The cluster's half of the agent for Kubernetes: a namespace of its own, its token, and what its jobs may do.

Rights are Roles in the namespaces that they are for, bound to the agent's one service account. There is no ClusterRole:
a job that uses the agent is refused by the cluster everywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.meta.v1 as meta
import pulumi_kubernetes.rbac.v1 as rbac

from components.argocd.parts import Place, create_service_project
from components.gitlab.agent_cluster_spec import AgentInstall, rights_violations
from components.gitlab.agent_spec import AgentSpec
from components.invariants import require
from components.kubernetes.enclosure import Enclosure, dns_egress, egress_to
from components.kubernetes.rights import grant
from components.kubernetes.rule_spec import RuleSpec
from components.vocabulary import AGENT_ACCOUNT, AGENT_TOKEN_SECRET

__all__ = ["GitLabAgentInstallation", "GitLabAgentInstallationArgs"]

_PORTS = (443, 6443)
"""Where agent servers and API servers listen."""

_QUOTA = {
    "requests.cpu": "200m",
    "requests.memory": "256Mi",
    "limits.cpu": "1",
    "limits.memory": "512Mi",
    "pods": "2",
}
"""Twice the agent, as an update starts the new one before it ends the old one."""


@dataclass(frozen=True, kw_only=True)
class GitLabAgentInstallationArgs:
    """The agent's data, its token, and the environment that it serves."""

    spec: AgentSpec
    token: pulumi.Input[str]
    environment: str
    environment_namespace: pulumi.Input[str]
    """Where the environment's applications run; known once it is there."""
    namespace_name: str
    """Its name, which is known before."""
    owner: str
    argocd_namespace: str
    server: str
    """The cluster, as Argo CD names it."""


class GitLabAgentInstallation(pulumi.ComponentResource):
    """Where an agent is in the cluster, and what it may do there."""

    namespace: pulumi.Output[str]
    """The agent's own namespace; known once the token is there."""
    project: pulumi.Output[str] | None
    """The Argo CD project that may install the chart; none where somebody else runs the agent."""

    def __init__(
        self, name: str, args: GitLabAgentInstallationArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("bighpc:gitlab:AgentInstallation", name, None, opts)
        self._prefix = name
        self._args = args
        self._cluster = args.spec.cluster
        self._child = pulumi.ResourceOptions(parent=self)
        self._enclosure = Enclosure(
            prefix=name,
            namespace=args.spec.namespace,
            component="agent",
            environment=args.environment,
            owner=args.owner,
            options=self._child,
        )
        rights = self._cluster.rights_in(args.namespace_name)
        require(rights_violations(rights))

        self._namespace = self._enclosure.create_namespace("agent-namespace")
        self._enclosure.create_quota(self._namespace, _QUOTA)
        self._enclosure.create_limits(self._namespace)
        self._enclosure.allow(self._namespace, "default-deny")
        self._open()
        token = self._create_token()
        if self._cluster.install is AgentInstall.EXTERNAL:
            self._create_account()
        for namespace, rules in rights.items():
            self._grant(namespace, rules)

        self.namespace = pulumi.Output.all(self._namespace.metadata.name, token.metadata.name).apply(
            lambda made: str(made[0])
        )
        self.project = self._create_project()
        self.register_outputs({"namespace": self.namespace, "project": self.project})

    def _open(self) -> None:
        chart = self._cluster.chart
        if chart is not None:
            reached = [dns_egress(), egress_to(_PORTS, networks=chart.networks)]
            self._enclosure.allow(self._namespace, "allow-agent-server", egress=reached)

    def _create_token(self) -> core.Secret:
        return core.Secret(
            f"{self._prefix}-token",
            metadata=self._enclosure.metadata(AGENT_TOKEN_SECRET, self._namespace),
            string_data={"token": pulumi.Output.secret(self._args.token)},
            opts=self._child,
        )

    def _create_account(self) -> None:
        core.ServiceAccount(
            f"{self._prefix}-account",
            metadata=self._enclosure.metadata(AGENT_ACCOUNT, self._namespace),
            automount_service_account_token=False,
            opts=self._child,
        )

    def _grant(self, namespace: str, rules: tuple[RuleSpec, ...]) -> None:
        # The environment's own namespace is made by this very program.
        own = namespace == self._args.namespace_name
        name = f"gitlab-agent-{self._args.spec.name}"
        metadata = meta.ObjectMetaArgs(
            name=name,
            namespace=self._args.environment_namespace if own else namespace,
            labels=self._enclosure.labels("agent-rights"),
        )
        grant(
            f"{self._prefix}-role-{namespace}",
            f"{self._prefix}-binding-{namespace}",
            metadata,
            rules,
            rbac.SubjectArgs(kind="ServiceAccount", name=AGENT_ACCOUNT, namespace=self._namespace.metadata.name),
            self._child,
        )

    def _create_project(self) -> pulumi.Output[str] | None:
        chart = self._cluster.chart
        if chart is None:
            return None
        place = Place(
            prefix=self._prefix,
            namespace=self._args.argocd_namespace,
            environment=self._args.environment,
            owner=self._args.owner,
            options=self._child,
        )
        return create_service_project(
            place,
            "agent",
            description=f"The GitLab agent of {self._args.environment}.",
            destination={"server": self._args.server, "namespace": self._args.spec.namespace},
            source=chart.source.repository,
        )
