from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from components.kubernetes.rule_spec import RuleSpec
from components.operator.access import (
    Places,
    cluster_rules,
    guard_expressions,
    namespace_rules,
    release_rules,
    rights_violations,
)

PLACES = Places(
    environment="dev",
    applications="bighpc-dev",
    operator="pulumi-operator",
    argocd="argocd",
    argocd_secrets=("repository-environments-dev",),
    argocd_settings=False,
    stack="bighpc-dev",
    operator_secrets=("bighpc-dev-repository",),
    agent="gitlab-agent-dev",
)
WRITING = {"create", "update", "patch", "delete", "deletecollection", "bind", "escalate", "impersonate", "*"}


def granted() -> Iterator[RuleSpec]:
    yield from cluster_rules(PLACES)
    for rules in namespace_rules(PLACES, {}).values():
        yield from rules


def verbs(resource: str, rules: Iterable[RuleSpec]) -> set[str]:
    return {verb for rule in rules if resource in rule.resources for verb in rule.verbs}


@pytest.mark.parametrize(
    "resource",
    [
        *("roles", "rolebindings", "clusterroles", "clusterrolebindings"),
        *("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
    ],
)
def test_a_commit_cannot_change_rights_or_the_guard_of_releases(resource: str) -> None:
    assert verbs(resource, granted()) == {"get"}


@pytest.mark.parametrize("resource", ["pods", "pods/exec", "deployments", "nodes", "customresourcedefinitions"])
def test_a_run_does_not_touch_what_the_program_does_not_declare(resource: str) -> None:
    assert verbs(resource, granted()) == set()


def test_a_run_keeps_the_environments_queues_and_looks_at_what_is_behind_them() -> None:
    places = replace(PLACES, kueue=("bighpc-dev", "bighpc-dev-cpu"))
    (shared,) = (rule for rule in cluster_rules(places) if "clusterqueues" in rule.resources)
    assert (shared.verbs, shared.resource_names) == (("get",), ("bighpc-dev", "bighpc-dev-cpu"))
    assert "delete" in verbs("localqueues", namespace_rules(places, {})["bighpc-dev"])
    assert verbs("clusterqueues", granted()) == verbs("localqueues", granted()) == set(), "without Kueue nothing"


def test_a_run_makes_and_deletes_no_namespaces() -> None:
    assert verbs("namespaces", granted()) & {"create", "delete"} == set()


def test_a_run_reads_the_secrets_of_its_own_program_alone() -> None:
    named = {
        name
        for rule in granted()
        if "secrets" in rule.resources and set(rule.verbs) - {"create"}
        for name in rule.resource_names or ("every secret",)
    }
    assert named == {"repository-environments-dev", "bighpc-dev-repository", "gitlab-agent-token"}


def test_argocds_settings_belong_to_the_run_only_where_the_program_sets_them() -> None:
    assert verbs("configmaps", namespace_rules(PLACES, {})["argocd"]) == set()
    rules = namespace_rules(replace(PLACES, argocd_settings=True), {})["argocd"]
    assert verbs("configmaps", rules) == {"get", "patch", "update"}


def test_an_environment_without_an_agent_grants_nothing_in_its_namespace() -> None:
    assert "gitlab-agent-dev" not in namespace_rules(replace(PLACES, agent=None), {})


def test_a_release_patches_one_object_and_nothing_else() -> None:
    (rule,) = release_rules(PLACES)
    assert (rule.resources, rule.resource_names) == (("stacks",), ("bighpc-dev",))
    assert set(rule.verbs) & WRITING == {"patch"}


def test_the_rights_keep_the_predicates_of_the_policies() -> None:
    assert list(rights_violations(cluster_rules(PLACES), namespace_rules(PLACES, {}))) == []


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (RuleSpec(resources=("secrets",), verbs=("get",)), "it reads every secret of its namespace"),
        (RuleSpec(resources=("pods/exec",), verbs=("create",)), "it grants pods/exec"),
        (RuleSpec(api_groups=("rbac.authorization.k8s.io",), resources=("roles",), verbs=("bind",)), "verb 'bind'"),
        (RuleSpec(resources=("*",), verbs=("get",)), "resources has a wildcard"),
    ],
)
def test_what_git_adds_is_held_to_them_too(more: RuleSpec, words: str) -> None:
    violations = rights_violations((), namespace_rules(PLACES, {"elsewhere": (more,)}))
    assert any(words in each.value and "elsewhere" in each.subject for each in violations)


def test_the_guard_names_the_account_that_releases() -> None:
    account = "system:serviceaccount:gitlab-agent-dev:gitlab-agent"
    assert all(account in expression for expression in guard_expressions(account))
