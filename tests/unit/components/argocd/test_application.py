from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from components.argocd.application import ArgoApplication, ArgoApplicationArgs
from components.argocd.application_spec import ArgoApplicationSpec, RetrySpec
from tests.conftest import Recorded, Recorder

Build = Callable[[Callable[[], object]], Recorder]


def arguments(spec: ArgoApplicationSpec) -> ArgoApplicationArgs:
    return ArgoApplicationArgs(
        spec=spec,
        environment="preview",
        branch="preview",
        server="https://kubernetes.default.svc",
        argocd_namespace="argocd",
        project="bighpc-preview",
        repository_url="http://gitlab.example/bighpc/environments.git",
        namespace="bighpc-preview",
    )


def application(build: Build, spec: ArgoApplicationSpec) -> Recorded:
    return build(lambda: ArgoApplication("hello", arguments(spec))).named("hello-application")


def test_it_tracks_the_environments_branch_and_overlay(build: Build) -> None:
    source = application(build, ArgoApplicationSpec(name="hello")).inputs["spec"]["source"]
    assert source["targetRevision"] == "preview"
    assert source["path"] == "applications/hello/overlays/preview"


def test_a_path_of_its_own_wins(build: Build) -> None:
    source = application(build, ArgoApplicationSpec(name="hello", path="charts/hello")).inputs["spec"]["source"]
    assert source["path"] == "charts/hello"


def test_it_syncs_prunes_heals_and_tries_again(build: Build) -> None:
    spec = ArgoApplicationSpec(name="hello", retry=RetrySpec(limit=3, first_seconds=2, longest_seconds=60))
    policy = application(build, spec).inputs["spec"]["syncPolicy"]
    assert policy["automated"] == {"prune": True, "selfHeal": True}
    assert policy["retry"] == {"limit": 3, "backoff": {"duration": "2s", "factor": 2, "maxDuration": "60s"}}


def test_deleting_it_deletes_what_it_deployed(build: Build) -> None:
    metadata = application(build, ArgoApplicationSpec(name="hello")).inputs["metadata"]
    assert metadata["name"] == "hello-preview", "Argo CD has the applications of three environments"
    assert metadata["finalizers"] == ["resources-finalizer.argocd.argoproj.io"]


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (arguments(ArgoApplicationSpec(name="hello", self_heal=False)), "does not heal itself"),
        (replace(arguments(ArgoApplicationSpec(name="hello")), branch="main"), "it tracks 'main'"),
        (replace(arguments(ArgoApplicationSpec(name="hello")), namespace="kube-system"), "'kube-system'"),
        (
            replace(arguments(ArgoApplicationSpec(name="hello")), repository_url="https://me:canary@gitlab.example/a"),
            "repoURL carries credentials",
        ),
    ],
)
def test_what_must_never_be_deployed_is_refused(build: Build, args: ArgoApplicationArgs, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refusal:  # the SDK wraps what an Output raises
        build(lambda: ArgoApplication("hello", args))
    assert "canary" not in str(refusal.value)
