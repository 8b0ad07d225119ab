"""A service that an environment has in a namespace of its own: where it belongs, and who may deliver it there."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.argocd.parts import Place, create_service_project
from components.argocd.source_spec import HelmSource, OciSource
from components.kubernetes.enclosure import Enclosure
from components.vocabulary import PodSecurity

__all__ = ["ServiceSite"]


@dataclass(frozen=True, kw_only=True)
class ServiceSite:
    """The environment of a service, its Argo CD, and the repository that its manifests are in."""

    environment: str
    owner: str
    argocd_namespace: str
    server: str
    """The cluster, as Argo CD names it."""
    repository_id: pulumi.Input[str]
    """The environment repository's project, by number."""
    repository_url: pulumi.Input[str]
    """Where git finds it over HTTP."""

    def enclose(
        self,
        prefix: str,
        service: str,
        *,
        namespace: str,
        options: pulumi.ResourceOptions,
        pod_security: PodSecurity = PodSecurity.RESTRICTED,
    ) -> Enclosure:
        """Return how the service's namespace and the objects in it are named, labelled and closed.

        Args:
            prefix: the component's name, which its children's names begin with.
            service: the service's name.
            namespace: where the service is.
            options: of the component's children.
            pod_security: what its pods may be.
        """
        return Enclosure(
            prefix=prefix,
            namespace=namespace,
            component=service,
            environment=self.environment,
            owner=self.owner,
            options=options,
            pod_security=pod_security,
        )

    def create_project(
        self, enclosure: Enclosure, *, description: str, chart: HelmSource | OciSource | None = None
    ) -> pulumi.Output[str]:
        """Make the Argo CD project that may deliver the service, and nothing else; returns its name, once it is there.

        Args:
            enclosure: the service's.
            description: what the project is for.
            chart: what the service is delivered from, when that is not the environment repository.
        """
        place = Place(
            prefix=enclosure.prefix,
            namespace=self.argocd_namespace,
            environment=self.environment,
            owner=self.owner,
            options=enclosure.options,
        )
        return create_service_project(
            place,
            enclosure.component,
            description=description,
            destination={"server": self.server, "namespace": enclosure.namespace},
            source=chart.repository if chart else self.repository_url,
            repository_id=None if chart else self.repository_id,
        )
