"""An environment's monitoring: a namespace of its own, what is scraped and told, and what Prometheus may see.

What runs is delivered by Argo CD, see `components.monitoring.delivery`; here is what it finds there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.meta.v1 as meta
import pulumi_kubernetes.rbac.v1 as rbac
import yaml

from components.argocd.service import ServiceSite
from components.kubernetes.enclosure import egress_to
from components.monitoring.configuration import ACCOUNT, alertmanager_settings, prometheus_settings, scrape_ports
from components.monitoring.delivery import ALERTMANAGER_SECRET, DASHBOARD_LABEL, GRAFANA_SECRET, MONITORING
from components.monitoring.monitoring_spec import MonitoringSpec

__all__ = ["Monitoring", "MonitoringArgs"]

_ALERT_PORTS = (25, 443, 587)
"""Of mail servers and webhooks."""


@dataclass(frozen=True, kw_only=True)
class MonitoringArgs:
    """The monitoring's data, its rules and dashboards, and where it belongs."""

    spec: MonitoringSpec
    rules: Mapping[str, str]
    """Files of alert rules, by name."""
    dashboards: Mapping[str, str]
    """Grafana's dashboards as JSON, by name."""
    site: ServiceSite
    operator_namespace: str


class Monitoring(pulumi.ComponentResource):
    """Where an environment's monitoring is, and all that it is told."""

    namespace: pulumi.Output[str]
    """Its namespace; known once everything in it is there."""
    project: pulumi.Output[str]
    """The Argo CD project that may deliver there, and nowhere else."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:monitoring:Monitoring", name, None, opts)
        self._prefix = name
        self._args = args
        self._spec = args.spec
        self._child = pulumi.ResourceOptions(parent=self)
        self._enclosure = args.site.enclose(
            name, MONITORING, namespace=args.spec.namespace_in(args.site.environment), options=self._child
        )

        self._namespace = self._enclosure.create(args.spec.quota.hard(), keeps=args.spec.storage is not None)
        self._open()
        self._create_account()
        configurations = [self._configure_prometheus(), *self._create_dashboards()]
        self._create_secrets()
        project = args.site.create_project(
            self._enclosure, description=f"The monitoring of {args.site.environment}.", chart=args.spec.chart
        )

        names = [each.metadata.name for each in configurations]
        self.namespace = pulumi.Output.all(self._namespace.metadata.name, *names).apply(lambda made: str(made[0]))
        self.project = project
        self.register_outputs({"namespace": self.namespace, "project": self.project})

    def _open(self) -> None:
        spec, args = self._spec, self._args
        reached = egress_to(
            scrape_ports(spec.scrape),
            namespaces=[args.site.argocd_namespace, args.operator_namespace] if spec.networks else (),
            networks=spec.networks,
        )
        prometheus = {"app.kubernetes.io/name": "prometheus"}
        self._enclosure.allow(self._namespace, "allow-scraping", selector=prometheus, egress=[reached])
        if spec.alerts:
            told = egress_to(_ALERT_PORTS, networks=spec.networks)
            alertmanager = {"app.kubernetes.io/name": "alertmanager"}
            self._enclosure.allow(self._namespace, "allow-alerts", selector=alertmanager, egress=[told])

    def _create_account(self) -> None:
        account = core.ServiceAccount(
            f"{self._prefix}-account",
            metadata=self._enclosure.metadata(ACCOUNT, self._namespace),
            # Its one pod asks for the token by itself.
            automount_service_account_token=False,
            opts=self._child,
        )
        if not self._spec.scrape.kubernetes:
            return
        metadata = meta.ObjectMetaArgs(
            name=f"bighpc-monitoring-{self._args.site.environment}", labels=self._enclosure.labels("monitoring-rights")
        )
        role = rbac.ClusterRole(
            f"{self._prefix}-role",
            metadata=metadata,
            rules=[
                rbac.PolicyRuleArgs(api_groups=[""], resources=["nodes/metrics"], verbs=["get"]),
                rbac.PolicyRuleArgs(non_resource_urls=["/metrics"], verbs=["get"]),
            ],
            opts=self._child,
        )
        rbac.ClusterRoleBinding(
            f"{self._prefix}-binding",
            metadata=metadata,
            role_ref=rbac.RoleRefArgs(
                api_group="rbac.authorization.k8s.io", kind="ClusterRole", name=role.metadata.name
            ),
            subjects=[
                rbac.SubjectArgs(
                    kind="ServiceAccount", name=account.metadata.name, namespace=self._namespace.metadata.name
                )
            ],
            opts=self._child,
        )

    def _configure_prometheus(self) -> core.ConfigMap:
        settings = prometheus_settings(self._spec, self._args.site.environment)
        return core.ConfigMap(
            f"{self._prefix}-prometheus",
            metadata=self._enclosure.metadata("prometheus", self._namespace),
            data={
                "prometheus.yml": yaml.safe_dump(settings, sort_keys=False),
                "retention": self._spec.retention,
                **self._args.rules,
            },
            opts=self._child,
        )

    def _create_dashboards(self) -> list[core.ConfigMap]:
        return [
            core.ConfigMap(
                f"{self._prefix}-dashboard-{name}",
                metadata=self._enclosure.metadata(f"dashboard-{name}", self._namespace, {DASHBOARD_LABEL: "1"}),
                data={f"{name}.json": text},
                opts=self._child,
            )
            for name, text in self._args.dashboards.items()
        ]

    def _create_secrets(self) -> None:
        if self._spec.alerts:
            settings = yaml.safe_dump(alertmanager_settings(self._spec.alerts), sort_keys=False)
            self._create_secret(ALERTMANAGER_SECRET, {"alertmanager.yaml": settings})
        if self._spec.grafana:
            password = self._spec.grafana.admin_password.get_secret_value()
            self._create_secret(GRAFANA_SECRET, {"user": "admin", "password": password})

    def _create_secret(self, name: str, data: Mapping[str, str]) -> None:
        core.Secret(
            f"{self._prefix}-{name}",
            metadata=self._enclosure.metadata(name, self._namespace),
            string_data={key: pulumi.Output.secret(value) for key, value in data.items()},
            opts=self._child,
        )
