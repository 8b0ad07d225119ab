"""The alert rules and dashboards in git are complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from stacks.monitoring_files import read_monitoring_files

FILES = read_monitoring_files()
RULES = [
    pytest.param(rule, id=rule["alert"])
    for text in FILES.rules.values()
    for group in yaml.safe_load(text)["groups"]
    for rule in group["rules"]
]
DASHBOARDS = [pytest.param(json.loads(text), id=name) for name, text in FILES.dashboards.items()]


@pytest.mark.parametrize("rule", RULES)
def test_an_alert_says_how_urgent_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "remedy"}
    assert rule["annotations"]["remedy"].endswith(".")


def test_no_two_alerts_have_one_name() -> None:
    names = [each.values[0]["alert"] for each in RULES]  # type: ignore[index]
    assert len(names) == len(set(names)) >= 10


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_a_dashboard_has_what_grafana_takes_it_by(dashboard: dict[str, Any]) -> None:
    assert dashboard["uid"].startswith("bighpc-")
    assert len(dashboard["uid"]) <= 40
    assert dashboard["schemaVersion"] >= 36
    assert "id" not in dashboard, "a number of somebody's own Grafana"
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert {"name": "source", "type": "datasource"}.items() <= dashboard["templating"]["list"][0].items()
    for panel in dashboard["panels"]:
        assert panel["type"] in {"stat", "table", "timeseries"}
        assert panel["datasource"] == {"type": "prometheus", "uid": "${source}"}, "no name of somebody's own source"
        assert panel["targets"]
        assert all(target["expr"] and target["refId"] for target in panel["targets"])


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_no_panel_covers_another(dashboard: dict[str, Any]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def test_every_file_of_rules_has_a_file_of_tests() -> None:
    tests = {path.name for path in (Path(__file__).parents[2] / "data/alerts").glob("*.yaml")}
    assert tests == {f"{name.removesuffix('.yaml')}.test.yaml" for name in FILES.rules}
