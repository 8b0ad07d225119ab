"""An environment's Open OnDemand portal: a namespace of its own, its configuration, and how browsers reach it.

The portal itself is delivered by Argo CD, from ``applications/ondemand`` of the environment repository.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes.core.v1 as core
import yaml

from components.argocd.service import ServiceSite
from components.kubernetes.enclosure import egress_to, ingress_from
from components.kubernetes.exposure import create_claim, create_ingress
from components.ondemand.configuration import ONDEMAND, PORT, cluster_settings, dashboard_settings, portal_settings
from components.ondemand.ondemand_spec import OpenOnDemandSpec
from components.vocabulary import PodSecurity

__all__ = ["PORTAL_SECRET", "OpenOnDemand", "OpenOnDemandArgs"]

PORTAL_SECRET: Final = "ondemand-portal"  # noqa: S105 - the name of the object, not what is in it
_PODS: Final = {"app.kubernetes.io/name": "ondemand"}


@dataclass(frozen=True, kw_only=True)
class OpenOnDemandArgs:
    """The portal's data, who signs people in, and where it belongs."""

    spec: OpenOnDemandSpec
    gitlab_url: str
    """GitLab, which people sign in with; without the path of its API."""
    site: ServiceSite


class OpenOnDemand(pulumi.ComponentResource):
    """Where a portal is, and all that it is told."""

    url: pulumi.Output[str]
    """The portal's address."""
    namespace: pulumi.Output[str]
    """Its namespace; known once everything in it is there."""
    project: pulumi.Output[str]
    """The Argo CD project that may deliver there, and nowhere else."""

    def __init__(self, name: str, args: OpenOnDemandArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:ondemand:OpenOnDemand", name, None, opts)
        self._prefix = name
        self._args = args
        self._spec = args.spec
        self._child = pulumi.ResourceOptions(parent=self)
        self._enclosure = args.site.enclose(
            name,
            ONDEMAND,
            namespace=args.spec.namespace_in(args.site.environment),
            options=self._child,
            # It starts a web server for each user as that user, which takes root in its container.
            pod_security=PodSecurity.BASELINE,
        )

        self._namespace = self._enclosure.create(args.spec.quota.hard(args.spec.homes.size))
        self._open()
        portal, files = self._create_portal(), self._create_configuration()
        homes = create_claim(self._enclosure, self._namespace, "homes", args.spec.homes, shared=True)
        create_ingress(
            *(self._enclosure, self._namespace, args.spec.ingress),
            name=ONDEMAND,
            host=args.spec.host,
            service="ondemand",
        )
        project = args.site.create_project(
            self._enclosure, description=f"The Open OnDemand portal of {args.site.environment}."
        )

        parts = [portal.metadata.name, homes.metadata.name, *(each.metadata.name for each in files)]
        self.url = pulumi.Output.from_input(f"https://{args.spec.host}")
        self.namespace = pulumi.Output.all(self._namespace.metadata.name, *parts).apply(lambda made: str(made[0]))
        self.project = project
        self.register_outputs({"url": self.url, "namespace": self.namespace, "project": self.project})

    def _open(self) -> None:
        admitted = ingress_from([self._spec.ingress.namespace], [PORT])
        self._enclosure.allow(self._namespace, "allow-ingress-controller", selector=_PODS, ingress=[admitted])
        reached = egress_to(self._spec.ports)
        self._enclosure.allow(self._namespace, "allow-clusters", selector=_PODS, egress=[reached])

    def _create_portal(self) -> core.Secret:
        settings = yaml.safe_dump(portal_settings(self._spec, self._args.gitlab_url), sort_keys=False)
        return core.Secret(
            f"{self._prefix}-portal",
            metadata=self._enclosure.metadata(PORTAL_SECRET, self._namespace),
            string_data={"ood_portal.yml": pulumi.Output.secret(settings)},
            opts=self._child,
        )

    def _create_configuration(self) -> list[core.ConfigMap]:
        clusters = {f"{name}.yml": cluster_settings(name, each) for name, each in self._spec.clusters.items()}
        files = {"clusters": clusters, "dashboard": {"bighpc.yml": dashboard_settings(self._spec)}}
        return [
            core.ConfigMap(
                f"{self._prefix}-{part}",
                metadata=self._enclosure.metadata(f"ondemand-{part}", self._namespace),
                data={name: yaml.safe_dump(content, sort_keys=False) for name, content in contents.items()},
                opts=self._child,
            )
            for part, contents in files.items()
        ]
