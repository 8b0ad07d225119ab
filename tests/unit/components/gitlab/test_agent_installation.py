from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic import ValidationError

from components.gitlab.agent_cluster_spec import AgentClusterSpec, ChartSpec, agent_application
from components.gitlab.agent_installation import GitLabAgentInstallation, GitLabAgentInstallationArgs
from components.gitlab.agent_spec import AgentSpec
from components.invariants import InvariantError
from components.kubernetes.rule_spec import RuleSpec
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]

CHART = {
    "source": {"type": "helm", "repository": "https://charts.example", "chart": "gitlab-agent", "version": "2.1.0"},
    "kasAddress": "wss://kas.example",
    "networks": ["192.0.2.0/24"],
    "image": "registry.example/mirror/agentk",
}
ARGS = GitLabAgentInstallationArgs(
    spec=AgentSpec(name="dev"),
    token="glagent-canary",
    environment="dev",
    environment_namespace="bighpc-dev",
    namespace_name="bighpc-dev",
    owner="platform",
    argocd_namespace="argocd",
    server="https://kubernetes.default.svc",
)


def installed(build: Build, cluster: dict[str, Any] | None = None) -> Recorder:
    spec = AgentSpec(name="dev", cluster=AgentClusterSpec.model_validate(cluster or {}))
    return build(lambda: GitLabAgentInstallation("agent", replace(ARGS, spec=spec)))


def test_the_agent_has_a_namespace_of_its_own_that_is_closed(build: Build) -> None:
    done = installed(build)
    metadata = done.named("agent-namespace").inputs["metadata"]
    assert metadata["name"] == "gitlab-agent-dev"
    assert metadata["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert done.named("agent-default-deny").inputs["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert done.named("agent-quota").inputs["spec"]["hard"]["pods"] == "2"


def test_its_token_is_a_secret_and_its_account_mounts_none(build: Build) -> None:
    done = installed(build)
    secret = done.named("agent-token").inputs
    assert secret["metadata"]["name"] == "gitlab-agent-token"
    assert secret["stringData"]["value"] == {"token": "glagent-canary"}
    assert done.named("agent-account").inputs["automountServiceAccountToken"] is False


def test_jobs_may_deploy_in_the_environments_namespace_and_read_no_secret(build: Build) -> None:
    done = installed(build)
    roles = done.of("kubernetes:rbac.authorization.k8s.io/v1:Role")
    assert [each.inputs["metadata"]["namespace"] for each in roles] == ["bighpc-dev"]
    resources = {each for rule in roles[0].inputs["rules"] for each in rule["resources"]}
    assert {"deployments", "services", "configmaps", "jobs"} <= resources
    assert "secrets" not in resources
    assert done.of("kubernetes:rbac.authorization.k8s.io/v1:ClusterRole") == []


def test_git_says_what_else_it_may_do_and_where(build: Build) -> None:
    done = installed(build, {"rights": {"bighpc-dev": [], "batch": [{"resources": ["pods"], "verbs": ["get"]}]}})
    (role,) = done.of("kubernetes:rbac.authorization.k8s.io/v1:Role")
    assert role.inputs["metadata"]["namespace"] == "batch"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"resources": ["*"], "verbs": ["get"]}, "wildcard"),
        ({"resources": ["pods/exec"], "verbs": ["create"]}, "enters pods"),
        ({"resources": ["secrets"], "verbs": ["list"]}, "every secret"),
        ({"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["bind"]}, "bind"),
    ],
)
def test_more_than_an_agent_may_ever_do_is_refused(recorder: Recorder, rule: dict[str, Any], reason: str) -> None:
    cluster = AgentClusterSpec(rights={"bighpc-dev": (RuleSpec.model_validate(rule),)})
    with pytest.raises(InvariantError, match=reason):
        GitLabAgentInstallation("agent", replace(ARGS, spec=AgentSpec(name="dev", cluster=cluster)))


def test_the_chart_is_installed_by_argocd_into_that_namespace_alone(build: Build) -> None:
    done = installed(build, {"install": "helm", "chart": CHART})
    project = done.named("agent-project").inputs["spec"]
    assert project["sourceRepos"] == ["https://charts.example"]
    assert [each["namespace"] for each in project["destinations"]] == ["gitlab-agent-dev"]
    assert done.of("kubernetes:core/v1:ServiceAccount") == [], "the chart's own"
    egress = done.named("agent-allow-agent-server").inputs["spec"]["egress"]
    assert egress[1]["to"] == [{"ipBlock": {"cidr": "192.0.2.0/24"}}]


def test_the_chart_uses_our_token_and_makes_no_rights() -> None:
    application = agent_application(ChartSpec.model_validate(CHART), "platform")
    source = application.source_in("dev", "dev")
    values = source["helm"]["valuesObject"]
    assert values["rbac"] == {"create": False}
    assert values["config"]["secretName"] == "gitlab-agent-token"
    assert values["image"] == {"repository": "registry.example/mirror/agentk"}


@pytest.mark.parametrize(
    ("cluster", "rule"),
    [
        ({"install": "helm"}, "a chart goes with install: helm"),
        ({"chart": CHART}, "a chart goes with install: helm"),
        ({"install": "helm", "chart": {**CHART, "networks": ["0.0.0.0/0"]}}, "and not all of them"),
        ({"install": "helm", "chart": {**CHART, "kasAddress": "https://kas.example"}}, "with the scheme wss"),
        ({"rights": {"bighpc-dev": [{"resources": [], "verbs": ["get"]}]}}, "at least 1 item"),
    ],
)
def test_a_place_that_cannot_be_is_refused(cluster: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        AgentClusterSpec.model_validate(cluster)
