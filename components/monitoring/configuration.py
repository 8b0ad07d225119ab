"""What Prometheus and Alertmanager are told. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from components.monitoring.monitoring_spec import AlertsSpec, MonitoringSpec, ScrapeSpec

__all__ = ["ACCOUNT", "RULES", "alertmanager_settings", "prometheus_settings", "scrape_jobs", "scrape_ports"]

ACCOUNT: Final = "prometheus"
"""The service account of Prometheus."""
RULES: Final = "/etc/prometheus/settings"
"""Where the platform's own Prometheus finds its rules."""

_TOKEN: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a directory
_API_PORTS: Final = (443, 6443, 10250)
"""Of API servers and kubelets."""


def prometheus_settings(spec: MonitoringSpec, environment: str) -> dict[str, Any]:
    """Return ``prometheus.yml`` of the platform's own Prometheus."""
    interval = f"{spec.scrape.interval_seconds}s"
    itself = {"job_name": "prometheus", "static_configs": [{"targets": ["127.0.0.1:9090"]}]}
    return {
        "global": {
            "scrape_interval": interval,
            "evaluation_interval": interval,
            "external_labels": {"environment": environment},
        },
        "rule_files": [f"{RULES}/*.yaml"],
        "scrape_configs": [itself, *scrape_jobs(spec.scrape, environment)],
    }


def scrape_jobs(scrape: ScrapeSpec, environment: str) -> list[dict[str, Any]]:
    """Return the scrape configurations of everything that git names."""
    jobs: list[dict[str, Any]] = []
    if scrape.argocd:
        jobs.append({**_static("argocd", scrape.argocd), "metric_relabel_configs": _own_applications(environment)})
    if scrape.operator:
        jobs.append(_static("operator", scrape.operator))
    if scrape.gitlab:
        jobs.append(
            {
                **_static("gitlab", [scrape.gitlab.target]),
                "scheme": "http" if scrape.gitlab.plain else "https",
                "metrics_path": "/-/metrics",
            }
        )
    return [*jobs, *_kubernetes()] if scrape.kubernetes else jobs


def scrape_ports(scrape: ScrapeSpec) -> list[int]:
    """Return the ports that Prometheus has to reach."""
    targets = [*scrape.argocd, *scrape.operator, *([scrape.gitlab.target] if scrape.gitlab else [])]
    ports = {int(target.rpartition(":")[2]) for target in targets}
    return sorted(ports | set(_API_PORTS)) if scrape.kubernetes else sorted(ports)


def _static(name: str, targets: Sequence[str]) -> dict[str, Any]:
    return {"job_name": name, "static_configs": [{"targets": list(targets)}]}


def _own_applications(environment: str) -> list[dict[str, Any]]:
    # Environments may share one Argo CD, and each is told of its own applications alone: elsewhere the project is
    # another one, and what has no project is of Argo CD itself.
    own = f"|bighpc-{environment}(-.*)?"
    return [{"source_labels": ["project"], "regex": own, "action": "keep"}]


def _kubernetes() -> list[dict[str, Any]]:
    as_account = {"scheme": "https", "authorization": {"credentials_file": f"{_TOKEN}/token"}}
    api_server = {
        **_static("kube-apiserver", ["kubernetes.default.svc:443"]),
        **as_account,
        "tls_config": {"ca_file": f"{_TOKEN}/ca.crt"},
        # The API server has thousands of series; these are what dashboards and rules use.
        "metric_relabel_configs": [
            {
                "source_labels": ["__name__"],
                "regex": "apiserver_(request_total|current_inflight_requests|storage_objects)|process_.*",
                "action": "keep",
            }
        ],
    }
    kubelet = {
        "job_name": "kubelet",
        **as_account,
        # Kubelets sign their certificates themselves on most clusters.
        "tls_config": {"ca_file": f"{_TOKEN}/ca.crt", "insecure_skip_verify": True},
        # The service without a cluster IP that the Prometheus operator keeps for all nodes; some builds of Prometheus,
        # Debian's among them, cannot ask Kubernetes for nodes.
        "dns_sd_configs": [{"names": ["kubelet.kube-system.svc.cluster.local"], "type": "A", "port": 10250}],
        "metric_relabel_configs": [
            {
                "source_labels": ["__name__"],
                "regex": "kubelet_(running_pods|running_containers|node_name|volume_stats_.*)|process_.*",
                "action": "keep",
            }
        ],
    }
    return [api_server, kubelet]


def alertmanager_settings(alerts: AlertsSpec) -> dict[str, Any]:
    """Return ``alertmanager.yaml``; it holds secrets."""
    general = {"smtp_smarthost": alerts.smarthost, "smtp_from": alerts.sender} if alerts.smarthost else {}
    receivers = [
        {
            "name": name,
            **(
                {"webhook_configs": [{"url": receiver.webhook.get_secret_value()}]}
                if receiver.webhook
                else {"email_configs": [{"to": receiver.mail}]}
            ),
        }
        for name, receiver in sorted(alerts.receivers.items())
    ]
    routes = [
        {"receiver": receiver, "matchers": [f'severity="{severity}"']}
        for severity, receiver in sorted(alerts.routes.items())
    ]
    return {
        "global": general,
        "route": {"receiver": routes[-1]["receiver"], "group_by": ["alertname"], "routes": routes},
        "receivers": receivers,
    }
