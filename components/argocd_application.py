"""One application in one environment, pulled by Argo CD from the environment repository."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes.meta.v1 as meta
from pulumi_kubernetes.apiextensions import CustomResource
from pydantic import Field

from components.labels import object_labels
from components.naming import overlay_path
from components.spec import DnsLabel, RelativePath, Spec

__all__ = ["ArgoApplication", "ArgoApplicationArgs", "ArgoApplicationSpec", "RetrySpec"]


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
                    "repoURL": args.repository_url,
                    "targetRevision": args.branch,
                    "path": spec.path or overlay_path(spec.name, args.environment),
                },
                "destination": {"server": args.server, "namespace": args.namespace},
                "syncPolicy": self._sync_policy(),
            },
            opts=pulumi.ResourceOptions(parent=self, custom_timeouts=pulumi.CustomTimeouts(delete="5m")),
        )

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
