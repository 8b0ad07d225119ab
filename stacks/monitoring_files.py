"""Alert rules and dashboards, as files below ``stacks/monitoring/``, and whether a stack's monitoring fits them."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from components.monitoring.delivery import MONITORING
from components.monitoring.monitoring_spec import MonitoringSpec
from stacks.documents import read_mapping
from stacks.problems import Collector, ConfigurationError, show

__all__ = ["MonitoringFiles", "check_monitoring", "read_monitoring_files"]

_DATA: Final = Path(__file__).parent / "monitoring"


@dataclass(frozen=True, kw_only=True)
class MonitoringFiles:
    """The files' texts."""

    rules: Mapping[str, str]
    """By file name."""
    dashboards: Mapping[str, str]
    """By file name without its suffix."""

    def chosen(self, spec: MonitoringSpec) -> Mapping[str, str]:
        """Return the dashboards that a stack has."""
        return {
            name: text for name, text in self.dashboards.items() if spec.dashboards is None or name in spec.dashboards
        }


def read_monitoring_files(data: Path = _DATA) -> MonitoringFiles:
    """Return alert rules and dashboards.

    Args:
        data: the directory with ``rules/`` and ``dashboards/``.

    Raises:
        ConfigurationError: with every file that is no YAML or JSON.
    """
    collector = Collector()
    rules = sorted((data / "rules").glob("*.yaml"))
    dashboards = sorted((data / "dashboards").glob("*.json"))
    for path in rules:
        collector.attempt(read_mapping, path, _where(path))
    for path in dashboards:
        collector.attempt(_check_json, path)
    collector.close()
    return MonitoringFiles(
        rules={path.name: path.read_text(encoding="utf-8") for path in rules},
        dashboards={path.stem: path.read_text(encoding="utf-8") for path in dashboards},
    )


def check_monitoring(
    spec: MonitoringSpec | None, applications: Container[str], where: str, collector: Collector, data: Path = _DATA
) -> None:
    """Check a stack's monitoring against the files and the fleet.

    Args:
        spec: what the stack file says; without it nothing is looked at.
        applications: the names of the fleet's applications.
        where: the stack file.
        collector: gets the problems.
        data: the directory with ``rules/`` and ``dashboards/``.
    """
    if spec is None:
        return
    if MONITORING in applications:
        collector.refuse(
            f"{where}, monitoring",
            f"the fleet has an application named {MONITORING!r}",
            "an environment's monitoring is delivered as the application of that name",
            f"rename stacks/applications/{MONITORING}.yaml, or remove it or the setting",
        )
    files = collector.attempt(read_monitoring_files, data)
    for position, name in enumerate(spec.dashboards or ()):
        if files is not None and name not in files.dashboards:
            collector.refuse(
                f"{where}, monitoring.dashboards.{position}",
                f"value {show(name)}",
                f"a dashboard of stacks/monitoring/dashboards: {', '.join(sorted(files.dashboards)) or 'none'}",
                f"use one of them, or add {name}.json",
            )


def _check_json(path: Path) -> None:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        where, remedy = _where(path), "export it from Grafana again"
        raise ConfigurationError.of(where, str(error), "a dashboard is JSON", remedy) from error


def _where(path: Path) -> str:
    return f"stacks/monitoring/{path.parent.name}/{path.name}"
