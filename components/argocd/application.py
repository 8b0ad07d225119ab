"""One application in one environment, pulled by Argo CD from its repository or as a chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes.meta.v1 as meta
from pulumi_kubernetes.apiextensions import CustomResource

from components.argocd.application_spec import ArgoApplicationSpec, application_violations
from components.argocd.notifications import subscriptions
from components.invariants import require
from components.invariants.delivery import (
    application_spares_system_namespaces,
    application_tracks_its_environment,
    source_has_no_credentials,
)
from components.labels import object_labels

__all__ = ["ArgoApplication", "ArgoApplicationArgs"]


@dataclass(frozen=True, kw_only=True)
class ArgoApplicationArgs:
    """The application's data, and where it comes from and goes to."""

    spec: ArgoApplicationSpec
    environment: str
    branch: str
    server: str
    """The cluster to deploy to, as Argo CD names it."""
    argocd_namespace: str
    project: pulumi.Input[str]
    """The Argo CD project."""
    repository_url: pulumi.Input[str]
    """Where git finds the manifests of applications that are no charts."""
    namespace: pulumi.Input[str]
    """Where the application's objects go."""
    status_project: pulumi.Input[str] | None = None
    """The GitLab project, by number, whose commits get a status of what became of them; without it: none."""


class ArgoApplication(pulumi.ComponentResource):
    """An Argo CD Application that syncs, prunes and heals by itself."""

    name: pulumi.Output[str]
    """The Application's name; known once it is there."""

    def __init__(self, name: str, args: ArgoApplicationArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:argocd:Application", name, None, opts)
        self._prefix = name
        self._args = args
        self._spec = args.spec
        self._application_name = f"{args.spec.name}-{args.environment}"
        self._subject = f"Application {self._application_name}"
        self._source = args.spec.source_in(args.environment, args.branch)
        require(
            application_violations(args.spec),
            application_tracks_its_environment(self._subject, self._source, args.environment),
        )

        application = self._create_application()

        self.name = application.id.apply(lambda _: self._application_name)
        self.register_outputs({"name": self.name})

    def _create_application(self) -> CustomResource:
        args, spec = self._args, self._spec
        # A chart's version is no commit that GitLab could show a status of.
        watched = None if spec.chart_repository else args.status_project
        return CustomResource(
            f"{self._prefix}-application",
            api_version="argoproj.io/v1alpha1",
            kind="Application",
            metadata=meta.ObjectMetaArgs(
                name=self._application_name,
                namespace=args.argocd_namespace,
                labels=object_labels(
                    name=spec.name, component="application", environment=args.environment, owner=spec.owner
                ),
                annotations=subscriptions(watched) if watched is not None else None,
                # Deleting the Application deletes what it deployed.
                finalizers=["resources-finalizer.argocd.argoproj.io"],
            ),
            spec={
                "project": args.project,
                "source": self._complete_source(),
                "destination": {
                    "server": args.server,
                    "namespace": pulumi.Output.from_input(args.namespace).apply(self._own_namespace),
                },
                "syncPolicy": spec.sync_policy(),
                **spec.differences(),
            },
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(delete="5m")),
        )

    def _complete_source(self) -> dict[str, Any]:
        if "repoURL" in self._source:
            return self._source
        address = pulumi.Output.from_input(self._args.repository_url).apply(self._shown_address)
        return {"repoURL": address, **self._source}

    def _shown_address(self, repository_url: str) -> str:
        require(source_has_no_credentials(self._subject, {"repoURL": repository_url}))
        return repository_url

    def _own_namespace(self, namespace: str) -> str:
        require(application_spares_system_namespaces(self._subject, {"destination": {"namespace": namespace}}))
        return namespace
