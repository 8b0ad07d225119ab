"""Alert rules and dashboards, judged by the promtool of the image that the testbed's Prometheus runs from."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.monitoring.configuration import prometheus_settings
from components.monitoring.monitoring_spec import MonitoringSpec
from testbed.host.packages import find_command
from testbed.images import IMAGES
from testbed.images.store import ensure

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        os.geteuid() != 0 or find_command("apt-get") is None, reason="packages are unpacked by root on Debian alone"
    ),
]

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "stacks/monitoring/rules").glob("*.yaml"))
DASHBOARDS = sorted((ROOT / "stacks/monitoring/dashboards").glob("*.json"))


@pytest.fixture(scope="module")
def promtool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, out of the image's only layer."""
    layout = ensure(IMAGES["prometheus"], print).image
    [manifest] = json.loads((layout / "index.json").read_bytes())["manifests"]
    [layer] = json.loads(blob(layout, manifest["digest"]).read_bytes())["layers"]
    directory = tmp_path_factory.mktemp("promtool")
    with tarfile.open(blob(layout, layer["digest"])) as archive:
        archive.extract("./usr/bin/promtool", directory, filter="data")
    return directory / "usr/bin/promtool"


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def run(promtool: Path, *arguments: object) -> tuple[int, str]:
    done = subprocess.run([promtool, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_prometheus_accepts_every_rule(promtool: Path) -> None:
    code, said = run(promtool, "check", "rules", "--lint-fatal", *RULES)
    assert code == 0, said
    assert said.count("SUCCESS") == len(RULES)


def test_every_alert_does_in_its_test_what_it_is_for(promtool: Path) -> None:
    tests = sorted((ROOT / "tests/data/alerts").glob("*.test.yaml"))
    code, said = run(promtool, "test", "rules", *tests)
    assert code == 0, said
    fired = {
        case["alertname"]
        for path in tests
        for test in yaml.safe_load(path.read_text())["tests"]
        for case in test["alert_rule_test"]
        if case["exp_alerts"]
    }
    assert fired == alerts(), "each alert has a test in which it fires"


def test_a_rule_that_is_no_longer_true_fails_its_test(promtool: Path, tmp_path: Path) -> None:
    rules, tests = tmp_path / "delivery.yaml", tmp_path / "delivery.test.yaml"
    rules.write_text(RULES[0].read_text().replace('health_status="Degraded"', 'health_status="Healthy"'))
    text = (ROOT / "tests/data/alerts/delivery.test.yaml").read_text()
    tests.write_text(text.replace("../../../stacks/monitoring/rules/delivery.yaml", str(rules)))
    code, said = run(promtool, "test", "rules", tests)
    assert code != 0
    assert "ApplicationDegraded" in said


def test_prometheus_accepts_the_settings_that_a_stack_makes(promtool: Path, tmp_path: Path) -> None:
    spec = MonitoringSpec.model_validate({"scrape": {"gitlab": {"target": "gitlab.example.org:443"}}})
    settings = tmp_path / "prometheus.yml"
    settings.write_text(yaml.safe_dump(prometheus_settings(spec, "dev")))
    code, said = run(promtool, "check", "config", "--syntax-only", settings)
    assert code == 0, said
    settings.write_text(yaml.safe_dump({**prometheus_settings(spec, "dev"), "scrape_interval": "1m"}))
    assert run(promtool, "check", "config", "--syntax-only", settings)[0] != 0


def test_every_query_of_every_dashboard_is_one(promtool: Path, tmp_path: Path) -> None:
    queries = [query for path in DASHBOARDS for query in expressions(json.loads(path.read_text()))]
    assert len(queries) > 10
    rules = [
        {"record": f"dashboards:query:{number}", "expr": as_grafana_sends(query)}
        for number, query in enumerate(queries)
    ]
    recorded = tmp_path / "queries.yaml"
    recorded.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    code, said = run(promtool, "check", "rules", recorded)
    assert code == 0, said
    rules.append({"record": "dashboards:query:wrong", "expr": "sum by (a ("})
    recorded.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}))
    assert run(promtool, "check", "rules", recorded)[0] != 0


def alerts() -> set[str]:
    groups = (group for path in RULES for group in yaml.safe_load(path.read_text())["groups"])
    return {rule["alert"] for group in groups for rule in group["rules"]}


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def as_grafana_sends(query: str) -> str:
    """Return a query with values in place of Grafana's variables."""
    return re.sub(r"\$\w+", "any", query.replace("$__rate_interval", "5m"))
