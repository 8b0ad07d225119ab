"""One application in one environment, pulled by Argo CD from the environment repository."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes.meta.v1 as meta
from pulumi_kubernetes.apiextensions import CustomResource
from pydantic import Field

from components.invariants import Violation, require
from components.invariants.delivery import (
    application_heals_itself,
    application_spares_system_namespaces,
    application_tracks_its_environment,
    source_has_no_credentials,
)
from components.labels import object_labels
from components.naming import overlay_path
from components.spec import DnsLabel, RelativePath, Spec

__all__ = [
    "ArgoApplication",
    "ArgoApplicationArgs",
    "ArgoApplicationSpec",
    "RetrySpec",
    "application_violations",
]


class RetrySpec(Spec):
    """How often, and how far apart, a failed sync is tried again."""

    limit: int = Field(default=5, ge=0, le=100)
    first_seconds: int = Field(default=5, ge=1)
    longest_seconds: int = Field(default=180, ge=1)


class ArgoApplicationSpec(Spec):
    """What git says about an application."""

    name: DnsLabel
    owner: DnsLabel = "platform"
    path: RelativePath | None = None
    """Where its Kustomize overlay is; by default ``applications/<name>/overlays/<environment>``."""
    prune: bool = True
    self_heal: bool = True
    retry: RetrySpec = RetrySpec()


def application_violations(spec: ArgoApplicationSpec) -> list[Violation]:
    """Return what in an application's data must never be deployed."""
    automated = {"prune": spec.prune, "selfHeal": spec.self_heal}
    return application_heals_itself(f"Application {spec.name}", {"syncPolicy": {"automated": automated}})


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
    namespace: pulumi.Input[str]
    """Where the application's objects go."""


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
        require(
            application_violations(args.spec),
            application_tracks_its_environment(self._subject, {"targetRevision": args.branch}, args.environment),
        )

        application = self._create_application()

        self.name = application.id.apply(lambda _: self._application_name)
        self.register_outputs({"name": self.name})

    def _create_application(self) -> CustomResource:
        args, spec = self._args, self._spec
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
                # Deleting the Application deletes what it deployed.
                finalizers=["resources-finalizer.argocd.argoproj.io"],
            ),
            spec={
                "project": args.project,
                "source": {
                    "repoURL": pulumi.Output.from_input(args.repository_url).apply(self._shown_address),
                    "targetRevision": args.branch,
                    "path": spec.path or overlay_path(spec.name, args.environment),
                },
                "destination": {
                    "server": args.server,
                    "namespace": pulumi.Output.from_input(args.namespace).apply(self._own_namespace),
                },
                "syncPolicy": self._sync_policy(),
            },
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(delete="5m")),
        )

    def _shown_address(self, repository_url: str) -> str:
        require(source_has_no_credentials(self._subject, {"repoURL": repository_url}))
        return repository_url

    def _own_namespace(self, namespace: str) -> str:
        require(application_spares_system_namespaces(self._subject, {"destination": {"namespace": namespace}}))
        return namespace

    def _sync_policy(self) -> dict[str, object]:
        retry = self._spec.retry
        return {
            "automated": {"prune": self._spec.prune, "selfHeal": self._spec.self_heal},
            "syncOptions": ["ServerSideApply=true", "PruneLast=true"],
            "retry": {
                "limit": retry.limit,
                "backoff": {
                    "duration": f"{retry.first_seconds}s",
                    "factor": 2,
                    "maxDuration": f"{retry.longest_seconds}s",
                },
            },
        }
