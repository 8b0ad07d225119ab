from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.monitoring.monitoring_spec import MonitoringSpec
from stacks.monitoring_files import check_monitoring, read_monitoring_files
from stacks.problems import Collector, ConfigurationError
from stacks.settings import parse_stack
from tests.unit.stacks.refusals import changed, refused

GOOD: dict[str, Any] = {
    "chart": {
        "type": "helm",
        "repository": "https://charts.example.org",
        "chart": "kube-prometheus-stack",
        "version": "88.5.3",
    },
    "retention": "30d",
    "storage": "50Gi",
    "storageClass": "fast",
    "scrape": {"intervalSeconds": 30, "gitlab": {"target": "gitlab.example.org:443"}},
    "networks": ["192.0.2.0/24"],
    "alerts": {
        "receivers": {
            "ops": {"webhook": "https://chat.example.org/hooks/s3cret"},
            "team": {"mail": "team@example.org"},
        },
        "routes": {"critical": "ops", "warning": "team"},
        "smarthost": "mail.example.org:587",
        "sender": "alerts@example.org",
    },
    "dashboards": ["delivery"],
    "grafana": {"adminPassword": "s3cret-and-long"},
    "quota": {"cpu": "2", "memory": "4Gi", "pods": 10},
}
HOOK = "alerts/receivers/ops/webhook"


def test_a_stack_without_the_setting_is_not_monitored() -> None:
    assert parse_stack({}, "test").monitoring is None


def test_a_complete_setting_is_accepted() -> None:
    found = parse_stack({"monitoring": GOOD}, "test").monitoring
    assert found is not None
    assert found.namespace_in("dev") == "bighpc-dev-monitoring"
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("path", "wrong", "value", "rule", "remedy"),
    [
        ("retention", "15", '"15"', "a unit: h, d, w or y", "15d"),
        ("retention", "0d", '"0d"', "a unit: h, d, w or y", "15d"),
        ("retention", 15, "15", "a text", "quote a text"),
        ("storage", "50GB", '"50GB"', "a positive Kubernetes quantity", "8Gi"),
        ("storage", ..., "", "of which class the volume in storage is", "add storage"),
        ("chart/version", "88.x", '"88.x"', "one exact version", "4.4.0"),
        ("chart/type", "git", "git", "'helm', 'oci'", "chart"),
        ("chart/repository", "oci://registry.example.org/x", "oci://", "http or https", "use an address"),
        ("namespace", "Monitoring", '"Monitoring"', "lower-case letters", "use a name"),
        ("scrape/intervalSeconds", 1, "value 1", "greater than or equal to 5", "change intervalSeconds"),
        ("scrape/argocd", ["https://argocd:8082"], "https://argocd:8082", "without scheme and path", "argocd-metrics"),
        ("scrape/argocd", ["argocd-metrics"], "argocd-metrics", "a host and a port", "argocd-metrics.argocd.svc:8082"),
        ("scrape/operator", ["operator:0"], "operator:0", "a host and a port", "use a target"),
        ("scrape/operator", ["operator:99999"], "operator:99999", "a host and a port", "use a target"),
        (
            "scrape/gitlab",
            {"target": "gitlab.example.org/-/metrics"},
            "/-/metrics",
            "a host and a port",
            "use a target",
        ),
        ("scrape/gitlabb", {}, "unknown key 'gitlabb'", "only known keys", "write gitlab instead"),
        ("networks", ["0.0.0.0/0"], "0.0.0.0/0", "and not all of them", "192.0.2.0/24"),
        ("networks", ["somewhere"], "somewhere", "CIDR notation", "192.0.2.0/24"),
        ("alerts/routes/critical", "nobody", "", "critical goes to nobody", "set routes.critical to one of: ops, team"),
        ("alerts/routes/warning", ..., "", "warning goes to nobody", "set routes.warning"),
        ("alerts/routes", {"critical": "ops", "warning": "ops"}, "", "team gets nothing", "add a route to team"),
        ("alerts/routes/urgent", "ops", "urgent", "critical", "write"),
        ("alerts/receivers", {}, "{}", "at least 1 item", "change receivers"),
        (HOOK, "http://chat.example.org/hooks/s3cret", "(secret)", "an https address", "https://chat.example.org"),
        (HOOK, "https://me:s3cret@chat.example.org", "(secret)", "without user or password", "use an address"),
        ("alerts/receivers/team/mail", "team", '"team"', "an address of electronic mail", "ops@example.org"),
        ("alerts/receivers/team", {}, "", "a webhook or a mail address", "keep one"),
        ("alerts/smarthost", ..., "", "a mail server and a sender", "set smarthost and sender"),
        ("grafana/adminPassword", "s3cret", "(secret)", "at least 12", "change adminPassword"),
        ("grafana", {}, "nothing is set", "adminPassword is required", "add adminPassword"),
        ("quota/pods", 0, "value 0", "greater than or equal to 1", "change pods"),
        ("quota/cpu", "many", '"many"', "a positive Kubernetes quantity", "write an amount"),
        ("dashboards", "delivery", '"delivery"', "a list", "write a list"),
    ],
)
def test_a_malformed_monitoring_is_refused_with_value_rule_and_remedy(
    path: str, wrong: Any, value: str, rule: str, remedy: str
) -> None:
    problem = refused("monitoring", changed(GOOD, path, wrong))
    assert problem.where.startswith("Pulumi.dev.yaml, monitoring")
    assert value in problem.value
    assert rule in problem.rule
    assert remedy in problem.remedy
    assert "s3cret" not in str(problem)


def test_all_that_is_the_charts_is_refused_without_one() -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse_stack({"monitoring": changed(GOOD, "chart", ...)}, "Pulumi.dev.yaml")
    told = {problem.rule.partition(";")[0]: problem.remedy for problem in refusal.value.problems}
    assert told == {
        f"{part} is of kube-prometheus-stack": f"add chart, or remove {part}"
        for part in ("storage", "alerts", "grafana")
    }


def test_a_dashboard_that_is_not_there_and_a_name_that_is_taken_are_refused() -> None:
    collector = Collector()
    spec = MonitoringSpec(dashboards=("delivery", "weather"))
    check_monitoring(spec, {"monitoring"}, "Pulumi.dev.yaml", collector)
    taken, unknown = collector.problems
    assert "rename stacks/applications/monitoring.yaml" in taken.remedy
    assert unknown.where == "Pulumi.dev.yaml, monitoring.dashboards.1"
    assert "delivery" in unknown.rule


def test_a_stack_without_monitoring_may_have_an_application_of_that_name() -> None:
    collector = Collector()
    check_monitoring(None, {"monitoring"}, "Pulumi.dev.yaml", collector)
    assert collector.problems == []


def test_every_file_that_is_no_yaml_or_json_is_named(tmp_path: Path) -> None:
    for name, text in (("rules/a.yaml", "a: ["), ("rules/b.yaml", "- 1"), ("dashboards/c.json", "{")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        read_monitoring_files(tmp_path)
    assert [each.where.rpartition("/")[2] for each in refusal.value.problems] == ["a.yaml", "b.yaml", "c.json"]
