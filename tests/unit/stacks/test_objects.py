"""Everything that a stack gives to Kubernetes is what Kubernetes' own schemas say, down to the last key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from pulumi_policy.deserialize import deserialize_properties

from components.vocabulary import ENVIRONMENT_LABEL, OWNER_LABEL
from stacks.environments import Environment
from stacks.fleet_model import DATA
from tests.conftest import Recorder
from tests.meta.test_stack_files import stack_settings
from tests.unit.stacks.test_platform import platform

Build = Callable[[Callable[[], object]], Recorder]

VERSION = "1.34"
"""Of Kubernetes: the testbed's."""

OWN_SCHEMA = {"argoproj.io", "pulumi.com"}
"""Groups of custom resources: the API server checks them by their definitions when a stack is really brought up."""

RECOMMENDED = {f"app.kubernetes.io/{each}" for each in ("name", "instance", "component", "part-of", "managed-by")}


def objects(recorder: Recorder) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield Kubernetes objects as a stack declares them, by resource name."""
    for resource in recorder.resources:
        if resource.token.startswith("kubernetes:"):
            group_version, _, kind = resource.token.removeprefix("kubernetes:").partition(":")
            # Without the envelopes of secrets.
            content = deserialize_properties(json.loads(json.dumps(resource.inputs, default=str)))
            yield resource.name, {"apiVersion": group_version.removeprefix("core/"), **content, "kind": kind}


@pytest.mark.parametrize("environment", Environment)
def test_every_object_of_a_stack_is_valid_and_says_whose_it_is(
    build: Build, monkeypatch: pytest.MonkeyPatch, environment: Environment
) -> None:
    monkeypatch.setenv("BIGHPC_ARGOCD_WEBHOOK_URL", "http://127.0.0.1:8080/api/webhook")
    monkeypatch.setenv("BIGHPC_ARGOCD_WEBHOOK_SECRET", "only-a-test")
    found = list(objects(build(platform(environment, stack_settings(environment), monkeypatch))))
    assert len(found) >= 20
    wrong = [
        f"{name}: {problem}" for name, each in found for problem in (*invalid(each), *unlabelled(each, environment))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("file", sorted((DATA.parent / "environments").rglob("*.yaml")), ids=str)
def test_every_manifest_of_the_environment_repository_is_valid(file: Path) -> None:
    documents = [each for each in yaml.safe_load_all(file.read_text()) if each]
    assert documents
    # What lies in an overlay is a patch unless its kustomization takes it as a resource.
    kustomization = yaml.safe_load((file.parent / "kustomization.yaml").read_text())
    if file.name in kustomization.get("resources", ()):
        assert not [problem for each in documents for problem in invalid(each)]


def test_a_misspelt_key_would_be_found() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [], "nodeSelektor": {}}}
    assert "nodeSelektor" in next(invalid(pod))


def invalid(content: dict[str, Any]) -> Iterator[str]:
    if content["apiVersion"].partition("/")[0] in OWN_SCHEMA:
        return
    try:
        kind = content["kind"].removesuffix("Patch")
        kubernetes_validate.validate({**content, "kind": kind}, VERSION, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{content['kind']}: {error.message}"


def unlabelled(content: dict[str, Any], environment: Environment) -> Iterator[str]:
    if content["kind"].endswith("Patch"):
        return  # of an object that another owns
    labels = content["metadata"].get("labels") or {}
    yield from (f"no label {label}" for label in sorted({*RECOMMENDED, ENVIRONMENT_LABEL, OWNER_LABEL} - set(labels)))
    if labels.get(ENVIRONMENT_LABEL) != environment:
        yield f"label {ENVIRONMENT_LABEL} is not {environment.value}"
