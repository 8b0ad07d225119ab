"""What the platform's policies say about what a component declares, or about manifests that Argo CD applies."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from policies.levels import ADVICE
from policies.rule import Rule
from policies.stack_rule import StackRule
from tests.conftest import Recorder
from tests.unit.policies import battery

__all__ = ["manifest_violations", "violations"]

_OF_WORKLOADS = ("kubernetes-container-", "kubernetes-pod-", "kubernetes-service-", "kubernetes-volume-")
"""Rules that hold for what Argo CD delivers as well; labels and owners are about what the program declares."""


def violations(done: Recorder, rules: Iterable[Rule | StackRule]) -> list[str]:
    """Return every violation, of every declared resource, that is more than advice."""
    return [
        f"{rule.name}: {resource.name}: {found}"
        for rule in rules
        if isinstance(rule, Rule) and rule.levels is not ADVICE
        for resource in done.resources
        for found in battery.violations(rule, resource.token, _plain(resource.inputs))
    ]


def manifest_violations(directory: Path, rules: Iterable[Rule | StackRule]) -> list[str]:
    """Return every violation of the manifests in a directory."""
    return [
        f"{rule.name}: {path.name}: {found}"
        for rule in rules
        if isinstance(rule, Rule) and rule.name.startswith(_OF_WORKLOADS)
        for path in sorted(directory.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if document["kind"] != "Kustomization"
        for found in battery.violations(rule, _token(document), document)
    ]


def _token(document: dict[str, Any]) -> str:
    version = document["apiVersion"]
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{document['kind']}"


def _plain(value: Any) -> Any:
    """Return a value without the envelopes of secrets."""
    if isinstance(value, dict):
        if len(value) == 2 and "value" in value and any(len(key) == 32 for key in value):
            return _plain(value["value"])
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value
