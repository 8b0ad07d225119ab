"""Argo CD's access to one environment: its project, its credential for the environment repository and its wake-up call.

With ``install: external`` the cluster has Argo CD already, and this component changes nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique

import pulumi
import pulumi_gitlab as gitlab
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.meta.v1 as meta
from pulumi_kubernetes.apiextensions import CustomResource

from components.invariants import app_project_is_exact, require
from components.invariants.access import hook_address_has_no_credentials
from components.invariants.delivery import source_has_no_credentials
from components.labels import object_labels
from components.spec import DnsLabel, Spec, WebUrl
from components.vocabulary import IN_CLUSTER

__all__ = ["ArgoCD", "ArgoCDArgs", "ArgoCDSpec", "Installation", "WebhookArgs"]


@unique
class Installation(StrEnum):
    """Who installs Argo CD."""

    EXTERNAL = "external"
    """The site or the testbed: it is there before this program runs."""


class ArgoCDSpec(Spec):
    """What git says about Argo CD."""

    install: Installation = Installation.EXTERNAL
    namespace: DnsLabel = "argocd"
    server: WebUrl = IN_CLUSTER
    """The cluster to deploy to, as Argo CD names it."""


@dataclass(frozen=True, kw_only=True)
class WebhookArgs:
    """How GitLab tells Argo CD about a push."""

    url: str
    secret: pulumi.Input[str]


@dataclass(frozen=True, kw_only=True)
class ArgoCDArgs:
    """Argo CD's data, the environment that it serves and the repository that it reads."""

    spec: ArgoCDSpec
    environment: str
    branch: str
    owner: str
    namespace: str
    """Where applications go."""
    repository_id: pulumi.Input[str]
    """The environment repository's project, by number."""
    repository_url: pulumi.Input[str]
    """Where git finds the environment repository over HTTP."""
    webhook: WebhookArgs | None = None
    """Without it Argo CD polls the repository."""


class ArgoCD(pulumi.ComponentResource):
    """An Argo CD project, a repository credential and a webhook, for one environment."""

    project: pulumi.Output[str]
    """The Argo CD project's name; known once the credential is there too."""

    def __init__(self, name: str, args: ArgoCDArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:argocd:ArgoCD", name, None, opts)
        self._prefix = name
        self._args = args
        self._project_name = f"bighpc-{args.environment}"
        self._child = pulumi.ResourceOptions(parent=self)

        project = self._create_project()
        credential = self._create_credential()
        self._create_webhook()

        self.project = pulumi.Output.all(self._project_name, project.id, credential.id).apply(lambda made: str(made[0]))
        self.register_outputs({"project": self.project})

    def _metadata(self, name: str, part: str, extra: dict[str, str] | None = None) -> meta.ObjectMetaArgs:
        labels = object_labels(
            name=part, component="delivery", environment=self._args.environment, owner=self._args.owner
        )
        return meta.ObjectMetaArgs(name=name, namespace=self._args.spec.namespace, labels={**labels, **(extra or {})})

    def _create_project(self) -> CustomResource:
        destinations = [{"server": self._args.spec.server, "namespace": self._args.namespace}]
        require(app_project_is_exact(f"AppProject {self._project_name}", [], destinations))
        return CustomResource(
            f"{self._prefix}-project",
            api_version="argoproj.io/v1alpha1",
            kind="AppProject",
            metadata=self._metadata(self._project_name, "project"),
            spec={
                "description": f"Applications of {self._args.environment}.",
                "sourceRepos": pulumi.Output.from_input(self._args.repository_url).apply(self._exact_sources),
                "destinations": destinations,
                "clusterResourceWhitelist": [],
                # The limits that an application lives in are not the application's to change.
                "namespaceResourceBlacklist": [
                    {"group": "", "kind": "ResourceQuota"},
                    {"group": "", "kind": "LimitRange"},
                    {"group": "networking.k8s.io", "kind": "NetworkPolicy"},
                ],
            },
            opts=self._child,
        )

    def _exact_sources(self, repository_url: str) -> list[str]:
        sources = [repository_url]
        subject = f"AppProject {self._project_name}"
        require(
            app_project_is_exact(subject, sources, []),
            source_has_no_credentials(subject, {"repoURL": repository_url}),
        )
        return sources

    def _create_credential(self) -> core.Secret:
        user = f"argocd-{self._args.environment}"
        token = gitlab.ProjectDeployToken(
            f"{self._prefix}-reader",
            project=self._args.repository_id,
            name=user,
            username=user,
            scopes=["read_repository"],
            opts=self._child,
        )
        return core.Secret(
            f"{self._prefix}-repository",
            metadata=self._metadata(
                f"repository-environments-{self._args.environment}",
                "repository",
                {"argocd.argoproj.io/secret-type": "repository"},
            ),
            string_data={
                "type": "git",
                "url": self._args.repository_url,
                # Three environments share one Argo CD and one repository, each with a credential of its own.
                "project": self._project_name,
                "username": user,
                "password": token.token,
            },
            opts=self._child,
        )

    def _create_webhook(self) -> None:
        webhook = self._args.webhook
        if webhook is None:
            return
        require(hook_address_has_no_credentials(f"ProjectHook {self._prefix}-webhook", {"url": webhook.url}))
        gitlab.ProjectHook(
            f"{self._prefix}-webhook",
            project=self._args.repository_id,
            name=f"Argo CD, {self._args.environment}",
            url=webhook.url,
            token=pulumi.Output.secret(webhook.secret),
            # Argo CD answers 400 to every event but pushes of branches and tags.
            push_events=True,
            push_events_branch_filter=self._args.branch,
            branch_filter_strategy="wildcard",
            enable_ssl_verification=True,
            opts=self._child,
        )
