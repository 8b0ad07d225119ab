from __future__ import annotations

from collections.abc import Callable

import pytest

from components.argocd.installation import ArgoCD, ArgoCDArgs, WebhookArgs
from components.argocd.installation_spec import ArgoCDSpec
from components.invariants import InvariantError
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]
URL = "http://gitlab.example/bighpc/environments.git"


def argocd(
    webhook: WebhookArgs | None = None, namespace: str = "bighpc-dev", spec: ArgoCDSpec | None = None
) -> Callable[[], object]:
    args = ArgoCDArgs(
        spec=spec or ArgoCDSpec(),
        environment="dev",
        branch="dev",
        owner="platform",
        namespace=namespace,
        gitlab_url="https://gitlab.example",
        repository_id="7",
        repository_url=URL,
        webhook=webhook,
    )
    return lambda: ArgoCD("argocd", args)


def test_the_project_allows_one_repository_and_one_namespace(build: Build) -> None:
    spec = build(argocd()).named("argocd-project").inputs["spec"]
    assert spec["sourceRepos"] == [URL]
    assert spec["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": "bighpc-dev"}]
    assert spec["clusterResourceWhitelist"] == []


def test_a_wildcard_is_refused_before_it_is_declared(recorder: Recorder) -> None:
    with pytest.raises(InvariantError, match=r"namespace '\*'"):
        argocd(namespace="*")()


def test_argocd_reads_the_repository_with_a_token_that_can_do_nothing_else(build: Build) -> None:
    done = build(argocd())
    assert done.named("argocd-reader").inputs["scopes"] == ["read_repository"]
    secret = done.named("argocd-repository").inputs
    assert secret["metadata"]["labels"]["argocd.argoproj.io/secret-type"] == "repository"
    data = secret["stringData"]["value"]
    assert data["project"] == "bighpc-dev", "each environment has a credential of its own"
    assert data["password"] == "gldt-recorded"


def test_commit_statuses_come_with_a_token_of_the_environment_repository_alone(build: Build) -> None:
    done = build(argocd(spec=ArgoCDSpec.model_validate({"configuration": {}})))
    token = done.named("argocd-status-token").inputs
    # Only who may push to a protected branch may set the status of its commits.
    assert (token["project"], token["accessLevel"], token["scopes"]) == ("7", "maintainer", ["api"])
    secret = done.named("argocd-notifications-secret").inputs
    assert secret["stringData"]["value"] == {"gitlab-token": "glpat-recorded"}, "wrapped as a secret"


def test_gitlab_reports_pushes_to_the_environments_branch_alone(build: Build) -> None:
    hook = build(argocd(WebhookArgs(url="http://argocd.example/api/webhook", secret="long-enough")))
    inputs = hook.named("argocd-webhook").inputs
    assert inputs["pushEventsBranchFilter"] == "dev"
    assert inputs["token"]["value"] == "long-enough", "wrapped as a secret"


def test_an_address_with_a_password_is_refused_without_repeating_it(build: Build) -> None:
    webhook = WebhookArgs(url="https://me:canary@argocd.example/api/webhook", secret="long-enough")
    with pytest.raises(InvariantError, match="address carries credentials") as refusal:
        build(argocd(webhook))
    assert "canary" not in str(refusal.value)
