from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from components.operator.stack_spec import (
    OperatorChartSpec,
    OperatorGeneration,
    OperatorInstall,
    OperatorSpec,
    ReconcileMode,
    ReconcileSpec,
    WorkspaceSpec,
    git_auth,
    stack_document,
)

AUTH = git_auth("bighpc-dev-repository")
URL = "https://gitlab.example/bighpc/platform.git"


def document(spec: OperatorSpec) -> dict[str, Any]:
    return stack_document(spec, environment="dev", branch="dev", repository_url=URL, auth=AUTH)


def test_a_gated_stack_waits_to_be_told_its_commit() -> None:
    assert document(OperatorSpec()).keys() & {"commit", "branch", "resyncFrequencySeconds"} == set()


def test_a_stack_that_follows_its_branch_names_it_in_full() -> None:
    followed = OperatorSpec(reconcile=ReconcileSpec(mode=ReconcileMode.BRANCH, resync_seconds=90))
    found = document(followed)
    assert (found["branch"], found["resyncFrequencySeconds"]) == ("refs/heads/dev", 90)


def test_every_variable_of_a_run_comes_from_the_secret() -> None:
    found = document(OperatorSpec(environment=("GITLAB_TOKEN",)))
    secret = {"name": "bighpc-dev-credentials", "key": "GITLAB_TOKEN"}
    assert found["envRefs"] == {"GITLAB_TOKEN": {"type": "Secret", "secret": secret}}


def test_a_stack_that_is_not_there_is_not_made() -> None:
    assert document(OperatorSpec())["useLocalStackOnly"] is True


def test_the_first_generation_is_spared_the_fields_of_the_second() -> None:
    second = {"serviceAccountName", "workspaceTemplate", "workspaceReclaimPolicy"}
    assert document(OperatorSpec()).keys() & second == set()
    found = document(
        OperatorSpec(generation=OperatorGeneration.V2, workspace=WorkspaceSpec(image="registry.example/pulumi:3.231.0"))
    )
    assert found["serviceAccountName"] == "pulumi-dev"
    assert found["workspaceTemplate"]["spec"] == {
        "securityProfile": "restricted",
        "image": "registry.example/pulumi:3.231.0",
        "resources": {
            "requests": {"cpu": "500m", "memory": "1Gi", "ephemeral-storage": "4Gi"},
            "limits": {"memory": "2Gi", "ephemeral-storage": "4Gi"},
        },
    }


@pytest.mark.parametrize(
    ("model", "data", "refusal"),
    [
        (OperatorSpec, {"install": "helm"}, "a chart goes with install: helm"),
        (OperatorSpec, {"chart": {"path": "/srv/pulumi-kubernetes-operator"}}, "a chart goes with install: helm"),
        (OperatorSpec, {"environment": []}, "at least 1 item"),
        (OperatorChartSpec, {}, "from a repository or from a path"),
        (OperatorChartSpec, {"repository": "oci://registry.example/operator"}, "has an exact version"),
        (OperatorChartSpec, {"repository": "oci://registry.example/operator", "version": "2.x"}, "one exact version"),
        (OperatorChartSpec, {"path": "/srv/argo-cd"}, "the operator's chart on disk"),
        (ReconcileSpec, {"resyncSeconds": 90}, "nothing is polled"),
        (ReconcileSpec, {"mode": "branch", "resyncSeconds": 30}, "greater than or equal to 60"),
        (WorkspaceSpec, {"image": "registry.example/pulumi:latest"}, "not 'latest'"),
        (WorkspaceSpec, {"image": "registry.example:5000/pulumi"}, "with a version or a digest"),
    ],
)
def test_what_cannot_work_is_refused(model: type[Any], data: dict[str, Any], refusal: str) -> None:
    with pytest.raises(ValidationError, match=refusal):
        model.model_validate(data)


@pytest.mark.parametrize(
    "chart",
    [
        {"repository": "https://charts.example/pulumi", "version": "2.9.0"},
        {"repository": "oci://registry.example/mirror/pulumi-kubernetes-operator", "version": "2.9.0"},
        {"path": "/srv/charts/pulumi-kubernetes-operator-2.9.0.tgz"},
        {"path": "charts/pulumi-operator/"},
    ],
)
def test_a_chart_comes_from_a_repository_a_mirror_or_a_disk(chart: dict[str, str]) -> None:
    spec = OperatorSpec.model_validate({"install": "helm", "chart": chart})
    assert spec.install is OperatorInstall.HELM
