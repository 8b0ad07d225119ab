from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from components.invariants import InvariantError
from components.kubernetes.rule_spec import RuleSpec
from components.operator.stack import OperatorStack, OperatorStackArgs
from components.operator.stack_spec import OperatorChartSpec, OperatorGeneration, OperatorInstall, OperatorSpec
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]

ARGS = OperatorStackArgs(
    spec=OperatorSpec(),
    environment="dev",
    branch="dev",
    owner="platform",
    namespace="bighpc-dev",
    namespace_name="bighpc-dev",
    agent_namespace="gitlab-agent-dev",
    agent_namespace_name="gitlab-agent-dev",
    argocd_namespace="argocd",
    argocd_secrets=("repository-environments-dev",),
    argocd_settings=False,
    repository_id="9",
    repository_url="https://gitlab.example/bighpc/platform.git",
)
STACK = "kubernetes:pulumi.com/v1:Stack"


def built(build: Build, **changes: Any) -> Recorder:
    return build(lambda: OperatorStack("operator", replace(ARGS, **changes)))


def test_the_stack_object_is_this_very_stacks_and_holds_no_secret(build: Build) -> None:
    done = built(build)
    (found,) = done.of(STACK)
    assert found.inputs["metadata"]["name"] == "bighpc-dev"
    assert found.inputs["metadata"]["namespace"] == "pulumi-operator"
    spec = found.inputs["spec"]
    assert (spec["stack"], spec["projectRepo"]) == ("dev", ARGS.repository_url)
    assert "gldt-recorded" not in str(found.inputs), "the repository's token is in its secret"
    assert "commit" not in spec, "which is the field of whoever releases"


def test_the_operator_reads_the_repository_with_a_token_of_its_own(build: Build) -> None:
    done = built(build)
    assert done.named("operator-reader").inputs["scopes"] == ["read_repository"]
    secret = done.named("operator-repository").inputs
    assert secret["stringData"]["value"]["username"] == "operator-dev"
    auth = done.of(STACK)[0].inputs["spec"]["gitAuth"]["basicAuth"]
    assert auth["password"]["secret"] == {"name": secret["metadata"]["name"], "key": "password"}


def test_the_agents_account_may_release_and_is_guarded(build: Build) -> None:
    done = built(build)
    (subject,) = done.named("operator-release-rights-pulumi-operator-binding").inputs["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "gitlab-agent", "namespace": "gitlab-agent-dev"}
    guard = done.named("operator-guard").inputs["spec"]
    assert guard["failurePolicy"] == "Fail"
    assert guard["matchConstraints"]["resourceRules"][0]["resourceNames"] == ["bighpc-dev"]
    binding = done.named("operator-guard-binding").inputs["spec"]
    assert binding["validationActions"] == ["Deny"]


def test_without_an_agent_nobody_but_people_releases(build: Build) -> None:
    done = built(build, agent_namespace=None, agent_namespace_name=None)
    assert [each.name for each in done.resources if "release-rights" in each.name or "guard" in each.name] == []


def test_an_account_that_the_site_has_is_used_and_not_made(build: Build) -> None:
    done = built(build, spec=OperatorSpec(account="pulumi-kubernetes-operator"))
    assert done.of("kubernetes:core/v1:ServiceAccount") == []
    (subject,) = done.named("operator-cluster-binding").inputs["subjects"]
    assert subject["name"] == "pulumi-kubernetes-operator"


def test_the_second_generation_may_ask_who_calls_it(build: Build) -> None:
    assert not any("callers" in each.name for each in built(build).resources)


def test_the_second_generations_account_may_review_tokens(build: Build) -> None:
    done = built(build, spec=OperatorSpec(generation=OperatorGeneration.V2))
    assert done.named("operator-callers-binding").inputs["roleRef"]["name"] == "system:auth-delegator"


def test_the_chart_is_installed_before_what_needs_it(build: Build) -> None:
    chart = OperatorChartSpec(
        repository="oci://registry.example/mirror/pulumi-kubernetes-operator",
        version="2.9.0",
        image_registry="registry.example/mirror",
    )
    done = built(build, spec=OperatorSpec(install=OperatorInstall.HELM, chart=chart))
    release = done.named("operator-release").inputs
    assert (release["chart"], release["version"]) == (chart.repository, "2.9.0")
    assert release["values"] == {"image": {"registry": "registry.example/mirror"}}
    assert "repositoryOpts" not in release


def test_rights_that_nobody_may_have_are_refused_before_anything_is_made(build: Build, recorder: Recorder) -> None:
    rights = {"elsewhere": (RuleSpec(resources=("secrets",), verbs=("list",)),)}
    with pytest.raises(InvariantError, match="elsewhere"):
        built(build, spec=OperatorSpec(rights=rights))
    assert recorder.of("kubernetes:rbac.authorization.k8s.io/v1:Role") == []
