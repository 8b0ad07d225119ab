"""An environment's JupyterHub: a namespace of its own, what the hub is told and may do, and who reaches whom.

What runs is delivered by Argo CD, see `components.jupyterhub.configuration`; here is what it finds there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.rbac.v1 as rbac
import yaml

from components.argocd.service import ServiceSite
from components.jupyterhub.configuration import (
    ACCOUNT,
    HUB_SECRET,
    JUPYTERHUB,
    PART,
    SETTINGS,
    culling_arguments,
    hub_secrets,
    hub_settings,
)
from components.jupyterhub.jupyterhub_spec import JupyterHubSpec
from components.kubernetes.enclosure import egress_to, ingress_from
from components.kubernetes.exposure import create_claim, create_ingress
from components.kubernetes.hardware_spec import HardwareProfileSpec
from components.kubernetes.rights import grant
from components.kubernetes.rule_spec import RuleSpec

__all__ = ["JupyterHub", "JupyterHubArgs"]

_HUB: Final = {PART: "hub"}
_PROXY: Final = {PART: "proxy"}
_SERVERS: Final = {PART: "server"}
_PROXY_PORT: Final = 8000
_ROUTES_PORT: Final = 8001
"""By which the hub tells the proxy where servers are."""
_HUB_PORT: Final = 8081
_SERVER_PORT: Final = 8888
_LOOK: Final = ("get", "list", "watch")
_KEEP: Final = (*_LOOK, "create", "delete", "patch")


@dataclass(frozen=True, kw_only=True)
class JupyterHubArgs:
    """The hub's data, who signs people in, and where it belongs."""

    spec: JupyterHubSpec
    hardware: Mapping[str, HardwareProfileSpec]
    """The profiles of the stack's testbed."""
    gitlab_url: str
    """GitLab as browsers reach it, without the path of its API."""
    site: ServiceSite


class JupyterHub(pulumi.ComponentResource):
    """Where a hub is, all that it is told, and what it may do."""

    url: pulumi.Output[str]
    """The hub's address."""
    namespace: pulumi.Output[str]
    """Its namespace; known once everything in it is there."""
    project: pulumi.Output[str]
    """The Argo CD project that may deliver there, and nowhere else."""

    def __init__(self, name: str, args: JupyterHubArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:jupyterhub:JupyterHub", name, None, opts)
        self._prefix = name
        self._args = args
        self._spec = args.spec
        self._child = pulumi.ResourceOptions(parent=self)
        self._enclosure = args.site.enclose(
            name, JUPYTERHUB, namespace=args.spec.namespace_in(args.site.environment), options=self._child
        )

        # Servers run what people wrote.
        self._namespace = self._enclosure.create(
            args.spec.quota.hard(), neighbours=False, keeps=args.spec.homes is not None
        )
        self._open()
        made = (self._create_account(), self._create_settings(), self._create_secret())
        names = [each.metadata.name for each in made]
        if volume := args.spec.database:
            names.append(create_claim(self._enclosure, self._namespace, "database", volume).metadata.name)
        if ingress := args.spec.ingress:
            create_ingress(
                self._enclosure, self._namespace, ingress, name=JUPYTERHUB, host=args.spec.host, service="proxy-public"
            )

        self.url = pulumi.Output.from_input(args.spec.address)
        self.namespace = pulumi.Output.all(self._namespace.metadata.name, *names).apply(lambda known: str(known[0]))
        self.project = args.site.create_project(
            self._enclosure, description=f"The JupyterHub of {args.site.environment}.", chart=args.spec.chart
        )
        self.register_outputs({"url": self.url, "namespace": self.namespace, "project": self.project})

    def _open(self) -> None:
        """Let each part reach those that it talks to, and nobody else: servers run what people wrote."""
        allow, namespace, spec = self._enclosure.allow, self._namespace, self._spec
        controllers = [spec.ingress.namespace] if spec.ingress else []
        allow(
            namespace,
            "allow-proxy",
            selector=_PROXY,
            ingress=[ingress_from(controllers, [_PROXY_PORT]), ingress_from([], [_ROUTES_PORT], pods=[_HUB])],
            egress=[egress_to([_HUB_PORT], pods=[_HUB]), egress_to([_SERVER_PORT], pods=[_SERVERS])],
        )
        allow(
            namespace,
            "allow-hub",
            selector=_HUB,
            ingress=[ingress_from([], [_HUB_PORT], pods=[_PROXY, _SERVERS])],
            egress=[
                egress_to([_ROUTES_PORT], pods=[_PROXY]),
                egress_to([_SERVER_PORT], pods=[_SERVERS]),
                egress_to(spec.ports),
            ],
        )
        outside = [egress_to(spec.server_ports)] if spec.server_ports else []
        allow(
            namespace,
            "allow-servers",
            selector=_SERVERS,
            ingress=[ingress_from([], [_SERVER_PORT], pods=[_PROXY, _HUB])],
            egress=[egress_to([_HUB_PORT], pods=[_HUB]), *outside],
        )

    def _create_account(self) -> core.ServiceAccount:
        metadata = self._enclosure.metadata(ACCOUNT, self._namespace)
        account = core.ServiceAccount(
            f"{self._prefix}-account",
            metadata=metadata,
            # Its one pod asks for the token by itself.
            automount_service_account_token=False,
            opts=self._child,
        )
        kept = ("pods", *(("persistentvolumeclaims",) if self._spec.homes else ()))
        grant(
            f"{self._prefix}-role",
            f"{self._prefix}-binding",
            metadata,
            (RuleSpec(resources=kept, verbs=_KEEP), RuleSpec(resources=("events",), verbs=_LOOK)),
            rbac.SubjectArgs(
                kind="ServiceAccount", name=account.metadata.name, namespace=self._namespace.metadata.name
            ),
            self._child,
        )
        return account

    def _create_settings(self) -> core.ConfigMap:
        args = self._args
        settings = hub_settings(self._spec, args.gitlab_url, args.hardware, args.site.environment)
        files = {"settings": settings, "culling": culling_arguments(self._spec.culling)}
        return core.ConfigMap(
            f"{self._prefix}-settings",
            metadata=self._enclosure.metadata(SETTINGS, self._namespace),
            data={f"{name}.yaml": yaml.safe_dump(content, sort_keys=False) for name, content in files.items()},
            opts=self._child,
        )

    def _create_secret(self) -> core.Secret:
        variables = hub_secrets(self._spec.oauth.client_secret.get_secret_value())
        return core.Secret(
            f"{self._prefix}-secrets",
            metadata=self._enclosure.metadata(HUB_SECRET, self._namespace),
            string_data={name: pulumi.Output.secret(value) for name, value in variables.items()},
            opts=self._child,
        )
