from __future__ import annotations

from collections.abc import Callable

import pytest

from components.invariants import InvariantError
from components.kubernetes.testbed import Testbed, TestbedArgs, TestbedSpec
from components.vocabulary import PodSecurity
from tests.conftest import Recorder

Build = Callable[[Callable[[], object]], Recorder]


def declared(spec: TestbedSpec | None = None) -> Callable[[], object]:
    args = TestbedArgs(spec=spec or TestbedSpec(), environment="dev", namespace="bighpc-dev")
    return lambda: Testbed("testbed", args)


def test_the_namespace_enforces_the_level_of_the_data(build: Build) -> None:
    done = build(declared(TestbedSpec(pod_security=PodSecurity.BASELINE)))
    labels = done.named("testbed-namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert labels["bighpc.io/environment"] == "dev"


def test_a_privileged_testbed_is_refused_before_it_is_declared(recorder: Recorder) -> None:
    with pytest.raises(InvariantError, match="privileged"):
        declared(TestbedSpec(pod_security=PodSecurity.PRIVILEGED))()
    assert recorder.of("kubernetes:core/v1:Namespace") == []


def test_nothing_flows_but_what_a_policy_allows(build: Build) -> None:
    done = build(declared())
    policies = {
        resource.name.removeprefix("testbed-"): resource.inputs["spec"]
        for resource in done.of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
    }
    assert set(policies) == {"default-deny", "allow-dns", "allow-same-namespace", "allow-exposed"}
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert policies["allow-exposed"]["podSelector"] == {"matchLabels": {"bighpc.io/exposed": "true"}}
    assert {port["port"] for port in policies["allow-dns"]["egress"][0]["ports"]} == {53}


def test_everything_is_in_the_namespace_and_says_whose_it_is(build: Build) -> None:
    done = build(declared(TestbedSpec(owner="hpc-team")))
    for resource in done.resources:
        if not resource.token.startswith("kubernetes:"):
            continue
        metadata = resource.inputs["metadata"]
        assert metadata["labels"]["bighpc.io/owner"] == "hpc-team", resource.name
        if resource.token != "kubernetes:core/v1:Namespace":
            assert metadata["namespace"] == "bighpc-dev", resource.name


def test_the_quota_limits_requests_and_limits_alike(build: Build) -> None:
    hard = build(declared()).named("testbed-quota").inputs["spec"]["hard"]
    assert hard["requests.cpu"] == hard["limits.cpu"] == "8"
    assert hard["pods"] == "50"


def test_the_workloads_account_mounts_no_token(build: Build) -> None:
    account = build(declared()).named("testbed-workload").inputs
    assert account["automountServiceAccountToken"] is False
