"""The application by which Argo CD runs an environment's monitoring. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

from components.argocd.application_spec import ArgoApplicationSpec
from components.argocd.source_spec import Values, merged_values
from components.monitoring.configuration import ACCOUNT, scrape_jobs
from components.monitoring.monitoring_spec import MonitoringSpec

__all__ = [
    "ALERTMANAGER_SECRET",
    "DASHBOARD_LABEL",
    "GRAFANA_SECRET",
    "MONITORING",
    "chart_values",
    "monitoring_application",
]

MONITORING: Final = "monitoring"
"""The application's name; its overlays are in the environment repository."""
DASHBOARD_LABEL: Final = "grafana_dashboard"
"""The label, with the value ``"1"``, by which Grafana's sidecar finds dashboards."""
ALERTMANAGER_SECRET: Final = "alertmanager-settings"  # noqa: S105 - the name of the object, not what is in it
GRAFANA_SECRET: Final = "grafana-administrator"  # noqa: S105 - the name of the object, not what is in it


def monitoring_application(
    spec: MonitoringSpec, *, environment: str, owner: str, rules: Mapping[str, str]
) -> ArgoApplicationSpec:
    """Return the application: the chart, or the overlay of the environment repository.

    Args:
        spec: the monitoring's data.
        environment: whose monitoring it is.
        owner: the team that answers for it.
        rules: files of alert rules, by name, which the chart takes as values.
    """
    if spec.chart is None:
        return ArgoApplicationSpec(name=MONITORING, owner=owner)
    values = merged_values(chart_values(spec, environment, rules), spec.chart.values)
    return ArgoApplicationSpec(name=MONITORING, owner=owner, source=spec.chart.model_copy(update={"values": values}))


def chart_values(spec: MonitoringSpec, environment: str, rules: Mapping[str, str]) -> Values:
    """Return the values of kube-prometheus-stack.

    The Prometheus operator and its definitions are the site's: they are the whole cluster's, and an application of an
    environment makes nothing outside of its namespace. For the same reason the chart makes no rights, and none of the
    parts that look at the whole cluster or run on every node.
    """
    off: Values = {"enabled": False}
    return {
        "crds": off,
        "prometheusOperator": off,
        "global": {"rbac": {"create": False}},
        "defaultRules": {"create": False},
        "additionalPrometheusRulesMap": {
            name.removesuffix(".yaml"): yaml.safe_load(text) for name, text in rules.items()
        },
        **dict.fromkeys(
            (
                "nodeExporter",
                "kubeStateMetrics",
                "kubeApiServer",
                "kubelet",
                "kubeControllerManager",
                "kubeScheduler",
                "kubeEtcd",
                "kubeProxy",
                "coreDns",
            ),
            off,
        ),
        "prometheus": _prometheus(spec, environment),
        "alertmanager": _alertmanager(spec),
        "grafana": _grafana(spec),
    }


def _prometheus(spec: MonitoringSpec, environment: str) -> Values:
    jobs: list[Any] = scrape_jobs(spec.scrape, environment)
    interval = f"{spec.scrape.interval_seconds}s"
    own: Values = {
        "retention": spec.retention,
        "scrapeInterval": interval,
        "evaluationInterval": interval,
        "externalLabels": {"environment": environment},
        "additionalScrapeConfigs": jobs,
        **({"storageSpec": {"volumeClaimTemplate": {"spec": _claim(spec)}}} if spec.storage else {}),
    }
    return {"serviceAccount": {"create": False, "name": ACCOUNT}, "prometheusSpec": own}


def _claim(spec: MonitoringSpec) -> Values:
    return {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": spec.storage}},
        **({"storageClassName": spec.storage_class} if spec.storage_class else {}),
    }


def _alertmanager(spec: MonitoringSpec) -> Values:
    if spec.alerts is None:
        return {"enabled": False}
    return {"enabled": True, "alertmanagerSpec": {"useExistingSecret": True, "configSecret": ALERTMANAGER_SECRET}}


def _grafana(spec: MonitoringSpec) -> Values:
    if spec.grafana is None:
        return {"enabled": False}
    return {
        "enabled": True,
        "admin": {"existingSecret": GRAFANA_SECRET, "userKey": "user", "passwordKey": "password"},
        "defaultDashboardsEnabled": False,
        "rbac": {"namespaced": True},
        "sidecar": {"dashboards": {"enabled": True, "label": DASHBOARD_LABEL, "labelValue": "1"}},
    }
