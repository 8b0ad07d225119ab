from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.argocd.application_set import ArgoApplicationSet, ArgoApplicationSetArgs, PlacementArgs
from components.argocd.application_spec import ArgoApplicationSpec
from components.invariants import InvariantError
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]

URL = "https://gitlab.example/bighpc/environments.git"
ARGS = ArgoApplicationSetArgs(
    spec=ArgoApplicationSpec(name="hello"),
    placements={each: PlacementArgs(branch=each, namespace=f"bighpc-{each}") for each in ("dev", "prod")},
    server="https://kubernetes.default.svc",
    argocd_namespace="argocd",
    environment="prod",
    repository_id="7",
    repository_url=URL,
)
CHART: dict[str, Any] = {
    "name": "monitoring",
    "source": {"type": "helm", "repository": "https://charts.example", "chart": "monitoring", "version": "1.2.3"},
    "parameters": {"prod": {"version": "1.2.2", "values": {"replicas": 3}}},
}


def applications(build: Build, **changes: Any) -> dict[str, Any]:
    done = build(lambda: ArgoApplicationSet("hello", replace(ARGS, **changes)))
    spec: dict[str, Any] = done.named("hello-applicationset").inputs["spec"]
    return spec


def sources(spec: dict[str, Any]) -> dict[str, Any]:
    (generator,) = spec["generators"]
    return {each["environment"]: json.loads(each["source"]) for each in generator["list"]["elements"]}


def test_each_environment_follows_its_branch_and_has_its_overlay(build: Build) -> None:
    spec = applications(build)
    assert sources(spec) == {
        each: {"targetRevision": each, "path": f"applications/hello/overlays/{each}"} for each in ("dev", "prod")
    }
    template = spec["template"]["spec"]
    assert template["source"] == {"repoURL": URL}, "what differs comes by the patch"
    assert template["destination"]["namespace"] == "{{ .namespace }}"


def test_all_share_a_project_that_admits_their_namespaces_and_nothing_else(build: Build) -> None:
    done = build(lambda: ArgoApplicationSet("hello", ARGS))
    project = done.named("hello-project").inputs
    assert {each["namespace"] for each in project["spec"]["destinations"]} == {"bighpc-dev", "bighpc-prod"}
    template = done.named("hello-applicationset").inputs["spec"]["template"]["spec"]
    assert template["project"] == project["metadata"]["name"] == "bighpc-set-hello"


def test_a_chart_has_its_version_and_values_by_environment(build: Build) -> None:
    found = sources(applications(build, spec=ArgoApplicationSpec.model_validate(CHART)))
    assert found["dev"]["targetRevision"] == "1.2.3"
    assert found["prod"]["targetRevision"] == "1.2.2"
    assert found["prod"]["helm"]["valuesObject"] == {"replicas": 3}


def test_commits_get_a_status(build: Build) -> None:
    assert "annotations" in applications(build)["template"]["metadata"]


def test_a_chart_has_no_commit_that_could_get_a_status(build: Build) -> None:
    spec = ArgoApplicationSpec.model_validate(CHART)
    assert "annotations" not in applications(build, spec=spec)["template"]["metadata"]


@pytest.mark.parametrize(
    ("placement", "reason"),
    [
        (PlacementArgs(branch="feature", namespace="bighpc-dev"), "tracks 'feature'"),
        (PlacementArgs(branch="dev", namespace="kube-system"), "kube-system"),
    ],
)
def test_a_placement_that_an_application_may_not_have_is_refused(
    recorder: Recorder, placement: PlacementArgs, reason: str
) -> None:
    with pytest.raises(InvariantError, match=reason):
        ArgoApplicationSet("hello", replace(ARGS, placements={"dev": placement}))
