"""The heart of it: a push, its gate, the real operator at exactly that commit, and what nobody gets around."""

from __future__ import annotations

import pytest

from tests.e2e.site import Site

pytestmark = pytest.mark.e2e

_AGENT = "system:serviceaccount:gitlab-agent-dev:gitlab-agent"
_RUN = "system:serviceaccount:pulumi-operator:pulumi-dev"
_NOBODY = "0" * 40


def test_a_push_becomes_a_change_and_its_revert_takes_it_back(site: Site) -> None:
    before = site.processors()
    commit = site.push("Pulumi.dev.yaml", "cpu: 4", "cpu: 3")
    assert site.processors() == before, "a push alone changes nothing"

    said = site.release()
    assert f"told bighpc-dev to run {commit[:8]}" in said
    assert site.runs(commit)
    assert site.processors() == "3"
    assert site.deployments()[0] == (commit, "success")

    assert "runs in dev already" in site.release(), "it can be run again"
    revert = site.revert(commit)
    site.release()
    assert site.processors() == before
    assert site.runs(revert)
    assert "outdated" in site.release("--commit", commit, code=3), "an older commit never moves it back"
    assert site.processors() == before


def test_what_violates_a_policy_is_on_the_branch_and_not_in_the_cluster(site: Site) -> None:
    before = site.last_update()
    bare = "\nfrom pulumi_kubernetes.core.v1 import Namespace\n\nNamespace('bare', metadata={'name': 'bare'})\n"
    main = (site.clone / "__main__.py").read_text()
    commit = site.push("__main__.py", main, main + bare)
    said = site.release(code=1)
    assert "mandatory" in said
    assert "does not pass the gate" in said
    assert site.last_update() == before
    assert site.kubectl("get", "namespace", "bare").returncode != 0
    site.revert(commit)


def test_an_update_that_failed_is_taken_back_by_its_revert(site: Site) -> None:
    main = (site.clone / "__main__.py").read_text()
    fails = "\nif not pulumi.runtime.is_dry_run():\n    raise pulumi.RunError('the licence server says no')\n"
    commit = site.push("__main__.py", main, main + fails)
    assert "the licence server says no" in site.release(code=4), "the operator's own words"
    assert site.deployments()[0] == (commit, "failed")
    revert = site.revert(commit)
    site.release()
    assert site.runs(revert)


def test_the_release_account_sets_the_commit_and_nothing_else(site: Site) -> None:
    commit = site.last_update()["lastSuccessfulCommit"]
    assert site.patch(_AGENT, {"commit": commit}) == ""
    for other in ({"projectRepo": "https://elsewhere.example/platform.git"}, {"refresh": True}, {"gitAuth": None}):
        assert "sets spec.commit and nothing else" in site.patch(_AGENT, other)
    assert "forbidden" in site.patch(_AGENT, {"commit": commit}, name="bighpc-prod"), "another environment's"
    for verb, what in (("list", "secrets"), ("create", "stacks.pulumi.com"), ("delete", "stacks.pulumi.com")):
        asked = site.kubectl("auth", "can-i", verb, what, "--namespace=pulumi-operator", account=_AGENT)
        assert asked.stdout.strip() == "no", f"{verb} {what}"


@pytest.mark.parametrize("account", ["system:serviceaccount:bighpc-dev:workload", _RUN])
def test_nobody_else_sets_the_commit(site: Site, account: str) -> None:
    assert "forbidden" in site.patch(account, {"commit": _NOBODY})


@pytest.mark.parametrize(
    ("verb", "what", "namespace"),
    [
        ("create", "rolebindings", "bighpc-dev"),
        ("patch", "roles", "pulumi-operator"),
        ("patch", "clusterroles/bighpc-operator-dev", ""),
        ("delete", "validatingadmissionpolicies/bighpc-release-dev", ""),
        ("get", "secrets", "bighpc-prod"),
        ("get", "secrets/bighpc-prod-credentials", "pulumi-operator"),
        ("create", "pods", "bighpc-dev"),
        ("delete", "namespaces/bighpc-dev", ""),
    ],
)
def test_the_operators_run_has_no_right_to(site: Site, verb: str, what: str, namespace: str) -> None:
    place = [f"--namespace={namespace}"] if namespace else []
    assert site.kubectl("auth", "can-i", verb, what, *place, account=_RUN).stdout.strip() == "no"
