from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components.monitoring.configuration import scrape_jobs, scrape_ports
from components.monitoring.delivery import chart_values, monitoring_application
from components.monitoring.monitoring import Monitoring, MonitoringArgs
from components.monitoring.monitoring_spec import MonitoringSpec, ScrapeSpec
from policies.pack import RULES
from tests.conftest import Recorder
from tests.unit.components.judging import manifest_violations, violations
from tests.unit.components.sites import SITE

Build = Callable[[Callable[[], object]], Recorder]

ROOT = Path(__file__).parents[4]
RULE_FILES = {"delivery.yaml": "groups: [{name: a, rules: []}]"}
CHART: dict[str, Any] = {
    "chart": {
        "type": "helm",
        "repository": "https://charts.example",
        "chart": "kube-prometheus-stack",
        "version": "88.5.3",
        "values": {"prometheus": {"prometheusSpec": {"replicas": 2}}},
    },
    "storage": "50Gi",
    "storageClass": "fast",
    "alerts": {
        "receivers": {
            "ops": {"webhook": "https://chat.example/hooks/canary-of-the-hook"},
            "team": {"mail": "team@example.org"},
        },
        "routes": {"critical": "ops", "warning": "team"},
        "smarthost": "mail.example.org:587",
        "sender": "alerts@example.org",
    },
    "grafana": {"adminPassword": "canary-of-grafana"},
}


def spec(data: dict[str, Any] | None = None) -> MonitoringSpec:
    return MonitoringSpec.model_validate_json(json.dumps(data or {}))


def monitored(build: Build, data: dict[str, Any] | None = None) -> Recorder:
    args = MonitoringArgs(
        spec=spec(data),
        rules=RULE_FILES,
        dashboards={"delivery": "{}"},
        site=SITE,
        operator_namespace="pulumi-operator",
    )
    return build(lambda: Monitoring("monitoring", args))


def test_it_has_a_namespace_of_its_own_that_is_closed_but_for_scraping(build: Build) -> None:
    done = monitored(build)
    metadata = done.named("monitoring-namespace").inputs["metadata"]
    assert metadata["name"] == "bighpc-dev-monitoring"
    assert metadata["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    denied = done.named("monitoring-default-deny").inputs["spec"]
    assert (denied["policyTypes"], denied.get("ingress"), denied.get("egress")) == (["Ingress", "Egress"], None, None)
    scraping = done.named("monitoring-allow-scraping").inputs["spec"]
    assert scraping["policyTypes"] == ["Egress"]
    ports = [each["port"] for each in scraping["egress"][0]["ports"]]
    assert ports == [443, 6443, 8082, 8083, 8084, 8383, 10250]


def test_with_networks_prometheus_reaches_those_and_the_systems_alone(build: Build) -> None:
    done = monitored(build, {"networks": ["192.0.2.0/24"]})
    (rule,) = done.named("monitoring-allow-scraping").inputs["spec"]["egress"]
    assert {"ipBlock": {"cidr": "192.0.2.0/24"}} in rule["to"]
    names = [
        each["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        for each in rule["to"]
        if "namespaceSelector" in each
    ]
    assert names == ["argocd", "pulumi-operator"]


def test_prometheus_is_told_what_to_scrape_and_when_to_alert(build: Build) -> None:
    data = monitored(build, {"retention": "2d"}).named("monitoring-prometheus").inputs["data"]
    assert data["retention"] == "2d"
    assert data["delivery.yaml"] == RULE_FILES["delivery.yaml"]
    settings = yaml.safe_load(data["prometheus.yml"])
    jobs = [each["job_name"] for each in settings["scrape_configs"]]
    assert jobs == ["prometheus", "argocd", "operator", "kube-apiserver", "kubelet"]
    assert settings["global"]["external_labels"] == {"environment": "dev"}


def test_an_environment_hears_of_its_own_applications_alone() -> None:
    (argocd, *_) = scrape_jobs(ScrapeSpec(), "dev")
    (relabel,) = argocd["metric_relabel_configs"]
    assert (relabel["source_labels"], relabel["action"]) == (["project"], "keep")
    assert relabel["regex"] == "|bighpc-dev(-.*)?"


def test_what_is_left_out_is_neither_scraped_nor_reached() -> None:
    scrape = ScrapeSpec.model_validate({"argocd": (), "operator": (), "kubernetes": False})
    assert scrape_jobs(scrape, "dev") == []
    assert scrape_ports(scrape) == []


def test_gitlab_is_scraped_at_its_own_path() -> None:
    scrape = ScrapeSpec.model_validate({"gitlab": {"target": "gitlab.example.org:443"}, "kubernetes": False})
    job = scrape_jobs(scrape, "dev")[-1]
    assert (job["job_name"], job["scheme"], job["metrics_path"]) == ("gitlab", "https", "/-/metrics")
    assert 443 in scrape_ports(scrape)


def test_prometheus_sees_metrics_and_nothing_else(build: Build) -> None:
    done = monitored(build)
    (role,) = done.of("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole")
    assert role.inputs["metadata"]["name"] == "bighpc-monitoring-dev"
    granted = {each for rule in role.inputs["rules"] for each in rule.get("resources", rule.get("nonResourceURLs"))}
    assert granted == {"nodes/metrics", "/metrics"}
    assert {verb for rule in role.inputs["rules"] for verb in rule["verbs"]} == {"get"}


def test_who_does_not_scrape_the_cluster_sees_nothing_of_it(build: Build) -> None:
    done = monitored(build, {"scrape": {"kubernetes": False}})
    assert done.of("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole") == []


def test_dashboards_carry_the_label_that_grafanas_sidecar_looks_for(build: Build) -> None:
    dashboard = monitored(build).named("monitoring-dashboard-delivery").inputs
    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert dashboard["data"] == {"delivery.json": "{}"}


def test_its_argo_cd_project_delivers_to_that_namespace_alone(build: Build) -> None:
    done = monitored(build)
    project = done.named("monitoring-project").inputs["spec"]
    assert [each["namespace"] for each in project["destinations"]] == ["bighpc-dev-monitoring"]
    assert project["clusterResourceWhitelist"] == []
    credential = done.named("monitoring-repository").inputs
    assert credential["metadata"]["name"] == "repository-monitoring-dev"
    assert credential["stringData"]["value"]["project"] == "bighpc-dev-monitoring"


def test_with_a_chart_the_project_takes_the_chart_and_no_token_is_made(build: Build) -> None:
    done = monitored(build, CHART)
    assert done.named("monitoring-project").inputs["spec"]["sourceRepos"] == ["https://charts.example"]
    assert done.of("gitlab:index/projectDeployToken:ProjectDeployToken") == []


def test_addresses_of_receivers_and_passwords_are_secrets(build: Build) -> None:
    done = monitored(build, CHART)
    alertmanager = done.named("monitoring-alertmanager-settings").inputs["stringData"]["value"]
    settings = yaml.safe_load(alertmanager["alertmanager.yaml"])
    assert settings["receivers"][0]["webhook_configs"] == [{"url": "https://chat.example/hooks/canary-of-the-hook"}]
    assert settings["route"]["routes"][0] == {"receiver": "ops", "matchers": ['severity="critical"']}
    assert settings["global"]["smtp_smarthost"] == "mail.example.org:587"
    assert done.named("monitoring-grafana-administrator").inputs["stringData"]["value"]["user"] == "admin"
    for each in done.resources:
        if each.token != "kubernetes:core/v1:Secret":
            assert "canary" not in json.dumps(each.inputs, default=str), each.name


def test_the_charts_values_name_our_settings_and_make_nothing_for_the_whole_cluster() -> None:
    application = monitoring_application(spec(CHART), environment="dev", owner="platform", rules=RULE_FILES)
    values: Any = application.source_in("dev", "dev")["helm"]["valuesObject"]
    prometheus = values["prometheus"]["prometheusSpec"]
    assert prometheus["retention"] == "15d"
    claim = prometheus["storageSpec"]["volumeClaimTemplate"]["spec"]
    assert (claim["resources"]["requests"]["storage"], claim["storageClassName"]) == ("50Gi", "fast")
    assert values["alertmanager"]["alertmanagerSpec"]["configSecret"] == "alertmanager-settings"
    assert values["grafana"]["admin"]["existingSecret"] == "grafana-administrator"
    assert values["additionalPrometheusRulesMap"]["delivery"]["groups"][0]["name"] == "a"
    for part in ("crds", "prometheusOperator", "nodeExporter", "kubeStateMetrics", "kubelet"):
        assert values[part] == {"enabled": False}, part
    assert values["global"]["rbac"]["create"] is False
    assert prometheus["replicas"] == 2, "the site's own values are over ours"
    assert "canary" not in json.dumps(values)


def test_without_alerts_and_grafana_the_chart_has_none() -> None:
    values = chart_values(spec({"chart": CHART["chart"]}), "dev", {})
    assert values["alertmanager"] == {"enabled": False}
    assert values["grafana"] == {"enabled": False}


def test_without_a_chart_it_is_the_overlay_of_the_environment_repository() -> None:
    application = monitoring_application(spec(), environment="dev", owner="platform", rules={})
    assert application.source_in("dev", "dev")["path"] == "applications/monitoring/overlays/dev"


@pytest.mark.parametrize("data", [{}, CHART, {"networks": ["192.0.2.0/24"]}], ids=["own", "chart", "networks"])
def test_the_policies_find_nothing_in_it(build: Build, data: dict[str, Any]) -> None:
    assert violations(monitored(build, data), RULES) == []


def test_the_policies_find_nothing_in_the_manifests_and_something_in_worse_ones(tmp_path: Path) -> None:
    base = ROOT / "environments/applications/monitoring/base"
    assert manifest_violations(base, RULES) == []
    text = (base / "deployment.yaml").read_text()
    (tmp_path / "deployment.yaml").write_text(text.replace("readOnlyRootFilesystem: true", ""))
    found = manifest_violations(tmp_path, RULES)
    assert [each.split(":")[0] for each in found] == ["kubernetes-container-read-only"] * 2, found


def test_its_namespace_is_known_once_it_is_ready(build: Build) -> None:
    seen: list[str] = []

    def declare() -> object:
        args = MonitoringArgs(
            spec=spec(),
            rules={},
            dashboards={},
            site=SITE,
            operator_namespace="pulumi-operator",
        )
        made = Monitoring("monitoring", args)
        return pulumi.Output.all(made.namespace, made.project).apply(seen.extend)

    build(declare)
    assert seen == ["bighpc-dev-monitoring", "bighpc-dev-monitoring"]
