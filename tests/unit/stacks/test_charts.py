from __future__ import annotations

import builtins
import json
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from components.argocd.application_spec import ArgoApplicationSpec
from stacks.charts import ChartsSettings, Installed, check_charts
from stacks.environments import Environment
from stacks.fleet import load_fleet
from stacks.problems import Collector, ConfigurationError, Problem
from stacks.selection import select
from stacks.settings import parse_stack
from tests.unit.stacks.refusals import refused

SCHEMA = {
    "type": "object",
    "required": ["replicas"],
    "properties": {
        "replicas": {"type": "integer", "minimum": 1},
        "image": {"type": "object", "properties": {"tag": {"type": "string"}}, "additionalProperties": False},
        "hosts": {"type": "array", "items": {"type": "string", "pattern": "^[a-z.]+$"}},
    },
}
DEFAULTS = "replicas: 1\nimage: {tag: '1'}\n"
Pack = Callable[[Path, dict[str, str]], None]


def unpacked(mirror: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = mirror / "hub" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def packed(mirror: Path, files: dict[str, str]) -> None:
    with tarfile.open(mirror / "hub-1.2.3.tgz", "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"hub/{name}")
            entry.size = len(text.encode())
            archive.addfile(entry, BytesIO(text.encode()))


def files(schema: object = SCHEMA, version: str = "1.2.3") -> dict[str, str]:
    return {
        "Chart.yaml": f"name: hub\nversion: {version}\n",
        "values.yaml": DEFAULTS,
        "values.schema.json": json.dumps(schema),
    }


def application(values: dict[str, Any], more: dict[str, Any] | None = None, kind: str = "helm") -> ArgoApplicationSpec:
    place = {
        "helm": {"repository": "https://charts.example.org", "chart": "hub"},
        "oci": {"repository": "oci://registry.example.org/charts/hub"},
    }[kind]
    data = {"name": "hub", "source": {"type": kind, **place, "version": "1.2.3", "values": values}, **(more or {})}
    return ArgoApplicationSpec.model_validate_json(json.dumps(data))


def problems(mirror: Path, *applications: ArgoApplicationSpec, environment: str = "dev") -> list[Problem]:
    collector = Collector()
    installed = [Installed(where="stacks/applications/hub.yaml", application=each) for each in applications]
    check_charts(ChartsSettings(mirror=str(mirror)), installed, environment, "Pulumi.dev.yaml", collector)
    return collector.problems


@pytest.mark.parametrize("pack", [unpacked, packed])
@pytest.mark.parametrize("kind", ["helm", "oci"])
def test_every_value_that_the_charts_schema_refuses_is_named_by_its_path(tmp_path: Path, pack: Pack, kind: str) -> None:
    pack(tmp_path, files())
    wrong = {"replicas": "two", "image": {"tagg": "2"}, "hosts": ["a.example", "B"]}
    found = problems(tmp_path, application(wrong, kind=kind))
    assert [each.value.partition(":")[0] for each in found] == ["hosts[1]", "image", "replicas"]
    assert found[2].value == 'replicas: value "two"'
    assert found[2].where == "stacks/applications/hub.yaml, values in dev"
    assert "by the schema of hub 1.2.3: 'two' is not of type 'integer'" in found[2].rule
    assert "correct replicas" in found[2].remedy


@pytest.mark.parametrize("pack", [unpacked, packed])
def test_values_that_fit_with_the_charts_defaults_below_them_are_accepted(tmp_path: Path, pack: Pack) -> None:
    pack(tmp_path, files())
    assert problems(tmp_path, application({"image": {"tag": "2"}})) == []


def test_a_default_that_is_taken_away_is_missing(tmp_path: Path) -> None:
    unpacked(tmp_path, files())
    (found,) = problems(tmp_path, application({"replicas": None}))
    assert "'replicas' is a required property" in found.rule


def test_the_values_of_the_environment_count(tmp_path: Path) -> None:
    unpacked(tmp_path, files())
    spec = application({}, {"parameters": {"prod": {"values": {"replicas": 0}}}})
    assert problems(tmp_path, spec) == []
    (found,) = problems(tmp_path, spec, environment="prod")
    assert found.where.endswith("values in prod")


def test_the_version_of_the_environment_counts(tmp_path: Path) -> None:
    unpacked(tmp_path, files(version="2.0.0"))
    spec = application({"replicas": 0}, {"parameters": {"prod": {"version": "2.0.0"}}})
    assert problems(tmp_path, spec) == [], "1.2.3 is not at hand"
    assert len(problems(tmp_path, spec, environment="prod")) == 1


def test_all_offenders_of_all_applications_are_listed(tmp_path: Path) -> None:
    unpacked(tmp_path, files())
    assert len(problems(tmp_path, application({"replicas": 0}), application({"replicas": -1}, kind="oci"))) == 2


def test_a_chart_without_schema_or_not_at_hand_and_what_is_no_chart_are_left_alone(tmp_path: Path) -> None:
    assert problems(tmp_path, application({"replicas": "x"})) == []
    without = files()
    del without["values.schema.json"]
    unpacked(tmp_path, without)
    assert problems(tmp_path, application({"replicas": "x"}), ArgoApplicationSpec(name="hub")) == []


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$ref": "https://schemas.example.org/values.json"}, "https://schemas.example.org/values.json"),
        ({"type": "objekt"}, "objekt"),
    ],
)
def test_a_schema_that_is_not_complete_is_refused_and_nothing_is_fetched(
    tmp_path: Path, schema: object, said: str
) -> None:
    unpacked(tmp_path, files(schema))
    (found,) = problems(tmp_path, application({}))
    assert said in found.value
    assert "is complete" in found.rule


def test_an_archive_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hub-1.2.3.tgz").write_bytes(b"not found")
    (found,) = problems(tmp_path, application({}))
    assert (found.where, found.remedy) == ("the chart hub-1.2.3.tgz", "fetch it again")


def test_a_mirror_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (found,) = problems(tmp_path / "nowhere", application({}))
    assert found.where == "Pulumi.dev.yaml, charts.mirror"
    assert "remove charts" in found.remedy


def test_without_the_package_the_remedy_is_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unpacked(tmp_path, files())
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name == "jsonschema":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    (found,) = problems(tmp_path, application({}))
    assert "pip install 'bighpc[charts]'" in found.remedy


@pytest.mark.parametrize(
    ("data", "value", "rule"),
    [({}, "nothing is set", "mirror is required"), ({"mirror": ""}, '""', "not blank"), ({"path": "x"}, "", "")],
)
def test_a_malformed_setting_is_refused(data: dict[str, Any], value: str, rule: str) -> None:
    if "path" in data:
        with pytest.raises(ConfigurationError, match="only known keys: mirror"):
            parse_stack({"charts": data}, "test")
        return
    problem = refused("charts", data)
    assert value in problem.value
    assert rule in problem.rule


def test_a_stack_with_a_wrong_value_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    mirror = tmp_path / "kube-prometheus-stack"
    mirror.mkdir()
    (mirror / "Chart.yaml").write_text("version: 88.5.3\n")
    (mirror / "values.schema.json").write_text(json.dumps({"properties": {"prometheus": {"type": "string"}}}))
    chart = {"type": "helm", "repository": "https://c.example", "chart": "kube-prometheus-stack", "version": "88.5.3"}
    stack = parse_stack({"charts": {"mirror": str(tmp_path)}, "monitoring": {"chart": chart}}, "test")
    with pytest.raises(ConfigurationError, match="Pulumi.dev.yaml, monitoring.chart, values in dev: prometheus: value"):
        select(load_fleet(), stack, Environment.DEV, "Pulumi.dev.yaml")
