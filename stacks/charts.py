"""Whether the values of charts fit the charts' own schemas, where a site has the charts at hand."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from components.argocd.application_spec import ArgoApplicationSpec
from components.argocd.source_spec import HelmSource, OciSource
from components.spec import Spec, Text
from stacks.problems import Collector, ConfigurationError, Problem, show

__all__ = ["Chart", "ChartsSettings", "Installed", "check_charts", "find_chart"]

_ROOT: Final = Path(__file__).parents[1]
_LONGEST: Final = 200  # characters of a schema's own sentence


class ChartsSettings(Spec):
    """Where charts are at hand."""

    mirror: Text
    """A directory with charts, unpacked or as ``<name>-<version>.tgz``; relative to the repository, or absolute."""


@dataclass(frozen=True, kw_only=True)
class Installed:
    """An application, and where people set the values of its chart."""

    where: str
    application: ArgoApplicationSpec


@dataclass(frozen=True, kw_only=True)
class Chart:
    """What a chart says about its values."""

    name: str
    version: str
    defaults: dict[str, Any]
    schema: Any
    """Its JSON schema; none: anything goes."""


def check_charts(
    settings: ChartsSettings | None,
    installed: Iterable[Installed],
    environment: str,
    where: str,
    collector: Collector,
    root: Path = _ROOT,
) -> None:
    """Check the values that every chart gets in an environment against the chart's own schema.

    Charts that are not in the mirror, or have no schema, are left alone.

    Args:
        settings: what the stack file says; without it nothing is looked at.
        installed: the stack's applications.
        environment: the stack's environment.
        where: the stack file.
        collector: gets the problems.
        root: what a relative mirror is relative to.
    """
    if settings is None:
        return
    mirror = root / settings.mirror
    if not mirror.is_dir():
        collector.refuse(
            f"{where}, charts.mirror",
            f"value {show(settings.mirror)}",
            "a directory with charts, unpacked or as .tgz",
            "make the directory, or remove charts",
        )
        return
    for each in installed:
        collector.attempt(_check, each, environment, mirror)


def find_chart(mirror: Path, name: str, version: str) -> Chart | None:
    """Return what a chart of a mirror says about its values; None when it is not there.

    Raises:
        ConfigurationError: when its files are broken.
    """
    packed = mirror / f"{name}-{version}.tgz"
    if packed.is_file():
        return _chart(packed.name, name, version, lambda file: _member(packed, f"{name}/{file}"))
    for directory in (mirror / f"{name}-{version}", mirror / name):
        about = directory / "Chart.yaml"
        if (
            about.is_file()
            and _parsed(f"{directory.name}/Chart.yaml", about.read_text("utf-8")).get("version") == version
        ):
            return _chart(directory.name, name, version, lambda file, of=directory: _content(of / file))
    return None


def _chart(where: str, name: str, version: str, read: Any) -> Chart:
    values, schema = read("values.yaml"), read("values.schema.json")
    return Chart(
        name=name,
        version=version,
        defaults=_parsed(f"{where}/values.yaml", values or "{}"),
        schema=None if schema is None else _parsed(f"{where}/values.schema.json", schema),
    )


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _member(archive: Path, name: str) -> str | None:
    try:
        with tarfile.open(archive) as packed:
            file = packed.extractfile(name)
            return None if file is None else file.read().decode()
    except KeyError:
        return None
    except (OSError, tarfile.TarError, UnicodeDecodeError) as error:
        raise ConfigurationError.of(
            f"the chart {archive.name}", str(error).partition(":\n")[0], "a chart is a packed archive", "fetch it again"
        ) from None


def _parsed(where: str, text: str) -> dict[str, Any]:
    try:
        # JSON is YAML.
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError.of(
            where, " ".join(str(error).split()), "a file of a chart is readable", "fetch it again"
        ) from None
    return found if isinstance(found, dict) else {}


def _check(installed: Installed, environment: str, mirror: Path) -> None:
    source = installed.application.manifests
    if not isinstance(source, HelmSource | OciSource):
        return
    name = source.chart if isinstance(source, HelmSource) else source.repository.rpartition("/")[2]
    told = installed.application.source_in(environment, environment)
    chart = find_chart(mirror, name, told["targetRevision"])
    if chart is None or chart.schema is None:
        return
    values = _over(chart.defaults, told.get("helm", {}).get("valuesObject", {}))
    problems = list(_judge(chart, values, f"{installed.where}, values in {environment}"))
    if problems:
        raise ConfigurationError(problems)


def _over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return values over a chart's defaults, as Helm has it: null takes a default away."""
    merged = dict(below)
    for key, value in above.items():
        lower = merged.get(key)
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _over(lower, value) if isinstance(lower, dict) and isinstance(value, dict) else value
    return merged


def _judge(chart: Chart, values: dict[str, Any], where: str) -> Iterator[Problem]:
    whose = f"the schema of {chart.name} {chart.version}"
    try:
        import jsonschema
        from referencing import Registry
        from referencing.exceptions import Unresolvable
    except ImportError:
        raise ConfigurationError.of(
            where,
            "the package jsonschema is not installed",
            f"values are checked against {whose}, which is in the mirror",
            "pip install 'bighpc[charts]', or remove charts from the stack file",
        ) from None
    # JSON knows no dates, which YAML makes of some texts.
    plain = json.loads(json.dumps(values, default=str))
    kind = jsonschema.validators.validator_for(chart.schema, default=jsonschema.Draft7Validator)
    try:
        kind.check_schema(chart.schema)
        # An empty registry: nothing is fetched from anywhere.
        errors = sorted(kind(chart.schema, registry=Registry()).iter_errors(plain), key=lambda each: each.json_path)
    except (jsonschema.SchemaError, Unresolvable) as error:
        reason = " ".join(str(error).split())[:_LONGEST]
        yield _problem(where, reason, f"{whose} is complete", "correct it in the mirror, or take it out of the chart")
        return
    for found in errors:
        path = found.json_path.removeprefix("$").removeprefix(".") or "the values"
        rule = f"by {whose}: {found.message[:_LONGEST]}"
        yield _problem(where, f"{path}: value {show(found.instance)}", rule, f"correct {path}, or the chart's version")


def _problem(where: str, value: str, rule: str, remedy: str) -> Problem:
    return Problem(where=where, value=value, rule=rule, remedy=remedy)
