"""Argo CD's access to one environment: its project, its credential for the environment repository, its wake-up call.

With ``install: helm`` it is installed first, from the chart; with ``install: external`` the cluster has it already.
Either way its settings are the installation's own but for those under ``configuration``, which this component sets
key by key with server-side apply: a key that somebody else has set is refused by the cluster, not overwritten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_gitlab as gitlab
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.meta.v1 as meta
from pulumi_kubernetes.apiextensions import CustomResource

from components.argocd.configuration import chart_values, general_settings, role_settings
from components.argocd.installation_spec import CHART, ArgoCDSpec, ConfigurationSpec
from components.argocd.notifications import TOKEN_KEY, notification_settings
from components.argocd.parts import Place, create_credential, create_project, name_of
from components.chart_release import install_chart
from components.invariants import require
from components.invariants.access import hook_address_has_no_credentials
from components.invariants.delivery import argocd_default_role_is_harmless, argocd_settings_are_closed

__all__ = ["ArgoCD", "ArgoCDArgs", "WebhookArgs"]


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
    gitlab_url: str
    """The instance's address, without the path of its API."""
    repository_id: pulumi.Input[str]
    """The environment repository's project, by number."""
    repository_url: pulumi.Input[str]
    """Where git finds the environment repository over HTTP."""
    chart_repositories: tuple[str, ...] = ()
    """Where the environment's charts come from."""
    webhook: WebhookArgs | None = None
    """Without it Argo CD polls the repository."""


class ArgoCD(pulumi.ComponentResource):
    """An Argo CD project, a repository credential and a webhook for one environment; where told, Argo CD too."""

    project: pulumi.Output[str]
    """The Argo CD project's name; known once the credential is there too."""

    def __init__(self, name: str, args: ArgoCDArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:argocd:ArgoCD", name, None, opts)
        self._prefix = name
        self._args = args
        self._project_name = f"bighpc-{args.environment}"
        self._child = pulumi.ResourceOptions(parent=self)

        self._after = self._install()
        self._place = self._make_place()
        project = self._create_project()
        credential = self._create_credential()
        self._create_webhook()
        self._configure()

        # A preview knows names, and knows no ids of what is not there yet.
        self.project = pulumi.Output.all(name_of(project), credential.metadata.name).apply(lambda made: str(made[0]))
        self.register_outputs({"project": self.project})

    def _make_place(self) -> Place:
        return Place(
            prefix=self._prefix,
            namespace=self._args.spec.namespace,
            environment=self._args.environment,
            owner=self._args.owner,
            options=self._after,
        )

    def _install(self) -> pulumi.ResourceOptions:
        spec, webhook = self._args.spec, self._args.webhook
        secret = pulumi.Output.secret(webhook.secret) if webhook else None
        return install_chart(
            self._prefix,
            CHART,
            spec.chart,
            namespace=spec.namespace,
            values=chart_values(spec.chart, secret) if spec.chart else {},
            options=self._child,
        )

    def _create_project(self) -> CustomResource:
        args = self._args
        return create_project(
            self._place,
            self._project_name,
            description=f"Applications of {args.environment}.",
            repository_url=args.repository_url,
            chart_repositories=args.chart_repositories,
            destinations=[{"server": args.spec.server, "namespace": args.namespace}],
            windows=[window.as_argocd() for window in args.spec.windows],
        )

    def _create_credential(self) -> core.Secret:
        return create_credential(
            self._place,
            project=self._project_name,
            user=f"argocd-{self._args.environment}",
            secret=f"repository-environments-{self._args.environment}",
            repository_id=self._args.repository_id,
            repository_url=self._args.repository_url,
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

    def _configure(self) -> None:
        configuration = self._args.spec.configuration
        if configuration is None:
            return
        general = general_settings(configuration, self._args.gitlab_url)
        roles = role_settings(configuration)
        require(
            argocd_settings_are_closed("ConfigMap argocd-cm", general),
            argocd_default_role_is_harmless("ConfigMap argocd-rbac-cm", roles),
        )
        self._patch("argocd-cm", general)
        self._patch("argocd-rbac-cm", roles)
        if configuration.commit_statuses:
            self._configure_notifications(configuration)

    def _patch(self, name: str, data: Mapping[str, str]) -> None:
        if data:
            core.ConfigMapPatch(
                f"{self._prefix}-{name}", metadata=self._owned_by_others(name), data=data, opts=self._after
            )

    def _configure_notifications(self, configuration: ConfigurationSpec) -> None:
        looked_at = self._args.spec.applications_url or configuration.url
        self._patch("argocd-notifications-cm", notification_settings(self._args.gitlab_url, looked_at))
        token = gitlab.ProjectAccessToken(
            f"{self._prefix}-status-token",
            project=self._args.repository_id,
            name="Argo CD, commit statuses",
            # The least that GitLab lets set a status: a commit of a protected branch gets one from whom may push there.
            access_level="maintainer",
            scopes=["api"],
            rotation_configuration=gitlab.ProjectAccessTokenRotationConfigurationArgs(
                expiration_days=180, rotate_before_days=60
            ),
            opts=self._child,
        )
        core.SecretPatch(
            f"{self._prefix}-notifications-secret",
            metadata=self._owned_by_others("argocd-notifications-secret"),
            string_data={TOKEN_KEY: token.token},
            opts=self._after,
        )

    def _owned_by_others(self, name: str) -> meta.ObjectMetaPatchArgs:
        return meta.ObjectMetaPatchArgs(name=name, namespace=self._args.spec.namespace)
