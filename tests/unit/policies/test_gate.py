"""The gate between the engine and the rules, as the engine speaks to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NoReturn

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel

from policies.gate import Gate, weakened
from policies.pack import NAME, RULES
from policies.rules import accesstoken_expires
from tests.unit.policies import samples
from tests.unit.policies.battery import HERE
from tests.unit.policies.samples import ABSENT, UNKNOWN, having
from tests.unit.policies.stack_battery import ENVIRONMENT, POLICY, Declared, without

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "canary-secret"}


class RefusedError(Exception):
    """The call was refused."""


class Context:
    """The part of gRPC's context that the gate uses."""

    def abort(self, code: grpc.StatusCode, details: str) -> NoReturn:
        assert code is grpc.StatusCode.FAILED_PRECONDITION
        raise RefusedError(details)


CONTEXT: Any = Context()


def gate(environment: str = "dev") -> Gate:
    return Gate(NAME, RULES, replace(HERE, environment=environment, rules=frozenset(rule.name for rule in RULES)))


def request(token: str, props: dict[str, Any]) -> analyzer_pb2.AnalyzeRequest:
    properties = Struct()
    properties.update(props)
    return analyzer_pb2.AnalyzeRequest(
        type=token, properties=properties, urn=f"urn:pulumi:dev::bighpc::{token}::subject", name="subject"
    )


def analyzed(asked: Gate, token: str, props: dict[str, Any]) -> dict[str, Any]:
    """Return the level of each rule that reports something about a resource."""
    diagnostics = asked.Analyze(request(token, props), CONTEXT).diagnostics
    return {each.policyName: each.enforcementLevel for each in diagnostics}


def configuration(**levels: Any) -> analyzer_pb2.ConfigureAnalyzerRequest:
    return analyzer_pb2.ConfigureAnalyzerRequest(
        policyConfig={
            name.replace("_", "-"): analyzer_pb2.PolicyConfig(enforcementLevel=level) for name, level in levels.items()
        }
    )


def test_it_describes_every_rule_with_the_level_of_the_environment() -> None:
    asked: Any = gate("prod")  # the SDK's methods have no types
    described = {each.name: each for each in asked.GetAnalyzerInfo(Empty(), CONTEXT).policies}
    assert sorted(described) == sorted(rule.name for rule in RULES)
    assert described["kubernetes-image-digest"].enforcementLevel == analyzer_pb2.MANDATORY
    schema = json_format.MessageToDict(described["gitlab-accesstoken-expires"].configSchema)
    assert schema["properties"]["maximumDays"]["maximum"] == 365
    assert asked.GetPluginInfo(Empty(), CONTEXT).version


def test_the_environment_decides_whether_a_violation_stops_the_update() -> None:
    deployment = samples.with_image("registry.example/hello:1.0.0")
    for environment, level in (("dev", "ADVISORY"), ("preview", "ADVISORY"), ("prod", "MANDATORY"), ("x", "MANDATORY")):
        labelled = having(deployment, {f"metadata labels {samples.ENVIRONMENT}": environment})
        found = analyzed(gate(environment), "kubernetes:apps/v1:Deployment", labelled)
        assert found == {"kubernetes-image-digest": getattr(analyzer_pb2, level)}


def test_the_engine_can_tell_the_stack_after_the_pack_has_started() -> None:
    asked, deployment = gate(""), samples.with_image("registry.example/hello:1.0.0")
    labelled = having(deployment, {f"metadata labels {samples.ENVIRONMENT}": "dev"})
    asked.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(stack="dev"), CONTEXT)
    found = analyzed(asked, "kubernetes:apps/v1:Deployment", labelled)
    assert found == {"kubernetes-image-digest": analyzer_pb2.ADVISORY}
    assert "kubernetes-image-digest" not in weakened(
        RULES, {"kubernetes-image-digest": EnforcementLevel.ADVISORY}, "dev"
    )


def test_a_type_that_no_rule_looks_at_is_let_through() -> None:
    assert analyzed(gate(), "random:index/randomId:RandomId", {"a": 1}) == {}


def test_a_value_that_a_preview_does_not_know_is_said_to_be_unjudged() -> None:
    response = gate().Analyze(request("kubernetes:core/v1:Namespace", {"metadata": UNKNOWN}), CONTEXT)
    assert any("can't run policy 'kubernetes-namespace-pod-security'" in each.message for each in response.diagnostics)


def test_what_is_put_right_is_shown_and_keeps_its_secrets() -> None:
    hook = having(samples.HOOK, {"enableSslVerification": False, "token": SECRET})
    (remediation,) = gate().Remediate(request("gitlab:index/projectHook:ProjectHook", hook), CONTEXT).remediations
    assert remediation.policyName == "gitlab-hook-tls-verified"
    properties = json_format.MessageToDict(remediation.properties)
    assert properties == {**hook, "enableSslVerification": True}


def test_labels_are_put_right_without_touching_the_others() -> None:
    config = having(samples.CONFIG, {f"metadata labels {samples.PART_OF}": ABSENT})
    (remediation,) = gate().Remediate(request("kubernetes:core/v1:ConfigMap", config), CONTEXT).remediations
    assert json_format.MessageToDict(remediation.properties) == samples.CONFIG


@pytest.mark.parametrize(
    ("token", "props"),
    [
        ("kubernetes:core/v1:ConfigMap", {"data": {}}),
        ("kubernetes:core/v1:ConfigMap", {"metadata": {"name": "a"}}),
        ("kubernetes:core/v1:ConfigMap", {"metadata": {"labels": None}}),
    ],
)
def test_labels_come_to_objects_that_have_none(token: str, props: dict[str, Any]) -> None:
    (remediation,) = gate().Remediate(request(token, props), CONTEXT).remediations
    labels = json_format.MessageToDict(remediation.properties)["metadata"]["labels"]
    assert labels["app.kubernetes.io/part-of"] == "bighpc"


@pytest.mark.parametrize("props", [{"metadata": UNKNOWN}, {"metadata": {"labels": UNKNOWN}}])
def test_what_a_preview_does_not_know_is_not_put_right(props: dict[str, Any]) -> None:
    assert list(gate().Remediate(request("kubernetes:core/v1:ConfigMap", props), CONTEXT).remediations) == []


def test_a_secret_is_masked_when_gitlab_can_mask_it() -> None:
    token = "gitlab:index/projectVariable:ProjectVariable"
    plain = having(samples.VARIABLE, {"masked": False, "value": SECRET})
    (remediation,) = gate().Remediate(request(token, plain), CONTEXT).remediations
    assert json_format.MessageToDict(remediation.properties) == {**plain, "masked": True}
    for value in ("short", "two words here", UNKNOWN):
        short = having(plain, {"value": value})
        assert list(gate().Remediate(request(token, short), CONTEXT).remediations) == []
        assert "gitlab-variable-secret-masked" in analyzed(gate(), token, short)


def stack_request(declared: tuple[Declared, ...]) -> analyzer_pb2.AnalyzeStackRequest:
    resources = []
    for each in declared:
        properties = Struct()
        properties.update(dict(each.props))
        names = {other.name: other.urn for other in declared}
        resources.append(
            analyzer_pb2.AnalyzerResource(
                type=each.token,
                properties=properties,
                urn=each.urn,
                name=each.name,
                options=analyzer_pb2.AnalyzerResourceOptions(protect=each.protect),
                propertyDependencies={
                    key: analyzer_pb2.AnalyzerPropertyDependencies(urns=[names[used] for used in used_names])
                    for key, used_names in each.uses.items()
                },
            )
        )
    return analyzer_pb2.AnalyzeStackRequest(resources=resources)


def test_a_stack_is_judged_as_a_whole() -> None:
    assert list(gate().AnalyzeStack(stack_request(ENVIRONMENT), CONTEXT).diagnostics) == []
    (found,) = gate().AnalyzeStack(stack_request(without(POLICY)), CONTEXT).diagnostics
    assert found.policyName == "stack-namespace-default-deny"
    assert found.urn.endswith("::namespace")
    assert found.enforcementLevel == analyzer_pb2.MANDATORY


@pytest.mark.parametrize("level", [analyzer_pb2.ADVISORY, analyzer_pb2.DISABLED])
@pytest.mark.parametrize("stack", ["prod", "some-other-stack"])
def test_nobody_weakens_a_rule_in_production(stack: str, level: Any) -> None:
    with pytest.raises(RefusedError, match=r"weakens rules .* gitlab-hook-has-token .*exemptions\.yaml"):
        gate(stack).Configure(configuration(gitlab_hook_has_token=level), CONTEXT)


def test_every_rule_that_is_weakened_is_named() -> None:
    off = {rule.name: EnforcementLevel.DISABLED for rule in RULES}
    assert len(weakened(RULES, off, "prod")) == len(RULES)
    assert weakened(RULES, {rule.name: rule.levels.prod for rule in RULES}, "prod") == []


def test_a_rule_that_is_put_right_may_also_stop_the_update() -> None:
    assert weakened(RULES, {"gitlab-hook-tls-verified": EnforcementLevel.MANDATORY}, "prod") == []
    assert weakened(RULES, {"gitlab-hook-has-token": EnforcementLevel.REMEDIATE}, "prod") == []


def test_elsewhere_a_site_may_weaken_a_rule_to_try_something() -> None:
    asked = gate("dev")
    hook = having(samples.HOOK, {"token": ABSENT})
    token = "gitlab:index/projectHook:ProjectHook"
    assert analyzed(asked, token, hook) == {"gitlab-hook-has-token": analyzer_pb2.MANDATORY}
    asked.Configure(configuration(gitlab_hook_has_token=analyzer_pb2.ADVISORY), CONTEXT)
    assert analyzed(asked, token, hook) == {"gitlab-hook-has-token": analyzer_pb2.ADVISORY}
    asked.Configure(configuration(gitlab_hook_has_token=analyzer_pb2.DISABLED), CONTEXT)
    assert analyzed(asked, token, hook) == {}


def test_configuration_reaches_a_rule_that_was_not_asked_before() -> None:
    asked = gate()
    settings = configuration(gitlab_accesstoken_expires=analyzer_pb2.MANDATORY)
    settings.policyConfig[accesstoken_expires.RULE.name].properties.update({"maximumDays": 10})
    asked.Configure(settings, CONTEXT)
    asked.ConfigureStack(analyzer_pb2.AnalyzerStackConfigureRequest(tags={"a": "b"}), CONTEXT)
    assert analyzed(asked, "gitlab:index/projectAccessToken:ProjectAccessToken", samples.TOKEN) == {
        accesstoken_expires.RULE.name: analyzer_pb2.MANDATORY
    }
