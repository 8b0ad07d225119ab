"""The composition under a recorder: what each stack declares and how it is wired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pulumi
import pytest
from pydantic import SecretStr

from stacks.environments import Environment
from stacks.fleet import load_fleet
from stacks.platform import build_platform
from stacks.preflight import Findings, Forge
from stacks.selection import select
from stacks.settings import ClusterConnection, GitLabConnection, Settings, StackSettings, parse_stack
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]

IDENTITY = "gitlab.example/bighpc#1@2026-11-24T00:00:00.000+00:00"
FORGE = Forge(
    identity=IDENTITY,
    group_id="1",
    repository_id="7",
    repository_url="http://gitlab.example/bighpc/environments.git",
    web_url="http://gitlab.example/bighpc",
    agents_id="8",
    platform_id="9",
    platform_url="http://gitlab.example/bighpc/platform.git",
)
FINDINGS = Findings(cluster="uid", forge=FORGE)
WEBHOOK = {"argocd": {"webhook": {"url": "http://argocd.example/api/webhook", "secret": "long-enough"}}}


def settings_of(environment: Environment, stack: StackSettings) -> Settings:
    return Settings(
        environment=environment,
        stack_reference=f"organization/bighpc/{environment.stack}",
        stack=stack,
        gitlab=GitLabConnection(url="http://gitlab.example", token=SecretStr("glpat-x")),
        cluster=ClusterConnection(kubeconfig=None, context=None),
    )


def platform(environment: Environment, stack: StackSettings, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    monkeypatch.setattr("stacks.forge.group_identity", lambda settings, group_id: f"{IDENTITY}/{group_id}")
    fleet = select(load_fleet(), stack, environment, "test")
    return lambda: build_platform(settings_of(environment, stack), fleet, FINDINGS)


@pytest.mark.parametrize("environment", Environment)
def test_every_stack_has_its_own_testbed_project_and_application(
    build: Build, monkeypatch: pytest.MonkeyPatch, environment: Environment
) -> None:
    done = build(platform(environment, parse_stack({}, "test"), monkeypatch))
    assert done.named("testbed-namespace").inputs["metadata"]["name"] == environment.namespace
    project = done.named("argocd-project").inputs["spec"]
    assert project["destinations"] == [{"server": "https://kubernetes.default.svc", "namespace": environment.namespace}]
    source = done.named("hello-application").inputs["spec"]["source"]
    assert source == {
        "repoURL": FORGE.repository_url,
        "targetRevision": environment.branch,
        "path": f"applications/hello/overlays/{environment}",
    }


def test_a_stack_that_does_not_own_the_forge_makes_no_group_and_no_project(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = build(platform(Environment.DEV, parse_stack({}, "test"), monkeypatch))
    made = {resource.token for resource in done.resources if resource.token.startswith("gitlab:")}
    assert made == {
        "gitlab:index/projectDeployToken:ProjectDeployToken",
        "gitlab:index/clusterAgent:ClusterAgent",
        "gitlab:index/clusterAgentToken:ClusterAgentToken",
        "gitlab:index/repositoryFile:RepositoryFile",
    }, "dev reads the environment repository, and has an agent of its own"


def test_the_owner_makes_the_forge_and_reads_the_repository_that_it_made(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = parse_stack({"forge": {"owner": True}, **WEBHOOK}, "test")
    done = build(platform(Environment.PROD, stack, monkeypatch))
    assert done.named("forge-group").inputs["path"] == "bighpc"
    made = {resource.inputs["path"] for resource in done.of("gitlab:index/project:Project")}
    assert made == {spec.name for spec in load_fleet().projects.values()}
    hook = done.named("argocd-webhook").inputs
    assert hook["url"] == "http://argocd.example/api/webhook"
    assert hook["pushEventsBranchFilter"] == "prod"


def test_without_a_webhook_setting_no_hook_is_made(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    done = build(platform(Environment.DEV, parse_stack({}, "test"), monkeypatch))
    assert done.of("gitlab:index/projectHook:ProjectHook") == []


def test_every_resource_belongs_to_a_component(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    registered: list[str] = []
    monkeypatch.setattr(
        pulumi.ComponentResource,
        "register_outputs",
        lambda self, outputs: registered.append(type(self).__name__),
    )
    stack = parse_stack({"forge": {"owner": True}}, "test")
    build(platform(Environment.PROD, stack, monkeypatch))
    fleet = load_fleet()
    assert Counter(registered) == {
        "ArgoApplication": 1,
        "ArgoCD": 1,
        "GitLabAgent": 1,
        "GitLabAgentInstallation": 1,
        "OperatorStack": 1,
        "GitLabGroup": 1,
        "GitLabProject": len(fleet.projects),
        "GitLabRunner": len(fleet.runners),
        "Identity": 2,
        "PipelineTemplate": 1,
        "Testbed": 1,
    }


def test_images_are_built_by_a_stack_that_names_some(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stacks.selection.check_images", lambda *_: None)
    images = {
        "registry": {"repository": "registry.example.org/bighpc", "username": "pusher", "password": "long-enough"},
        "build": {"tools": {"context": "images/tools", "tag": "1.4.0"}},
    }
    exported: dict[str, object] = {}
    monkeypatch.setattr(pulumi, "export", exported.__setitem__)
    done = build(platform(Environment.DEV, parse_stack({"images": images}, "test"), monkeypatch))
    (made,) = done.of("docker:index/image:Image")
    assert made.inputs["imageName"] == "registry.example.org/bighpc/tools:1.4.0"
    assert "images" in exported


def test_a_stack_that_names_no_image_asks_no_daemon(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    done = build(platform(Environment.DEV, parse_stack({}, "test"), monkeypatch))
    assert [each.token for each in done.resources if each.token.startswith("docker:")] == []


def test_a_stack_that_names_monitoring_has_it_with_its_rules_dashboards_and_rights(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = build(
        platform(Environment.DEV, parse_stack({"monitoring": {"dashboards": ["systems"]}}, "test"), monkeypatch)
    )
    told = done.named("monitoring-prometheus").inputs["data"]
    assert {"prometheus.yml", "delivery.yaml", "systems.yaml"} <= told.keys()
    assert [each.name for each in done.resources if "dashboard" in each.name] == ["monitoring-dashboard-systems"]
    application = done.named("monitoring-delivery-application").inputs["spec"]
    assert application["project"] == "bighpc-dev-monitoring"
    assert application["destination"]["namespace"] == "bighpc-dev-monitoring"
    assert application["source"]["path"] == "applications/monitoring/overlays/dev"
    kept = done.named("operator-operator-rights-bighpc-dev-monitoring").inputs["rules"]
    names = {name for rule in kept for name in rule.get("resourceNames", ())}
    assert names == {"prometheus", "dashboard-systems"}, "the operator keeps what the program makes, by name"
    everywhere = done.named("operator-cluster-role").inputs["rules"]
    assert any("bighpc-monitoring-dev" in rule.get("resourceNames", ()) for rule in everywhere)


def test_a_stack_is_not_monitored_unless_it_says_so(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    done = build(platform(Environment.DEV, parse_stack({}, "test"), monkeypatch))
    assert [each.name for each in done.resources if "monitoring" in each.name] == []
