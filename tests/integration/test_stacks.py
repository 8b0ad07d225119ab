"""The three stacks, for real: engine, Kubernetes, Argo CD and the GitLab double."""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from pathlib import Path

import pytest

from tests.integration.own_testbed import OwnTestbed
from tests.integration.platform import CHECKOUT, Platform

pytestmark = pytest.mark.integration

STACKS = ("prod", "preview", "dev")
"""The owner of the forge first."""


@pytest.fixture(scope="module")
def deployed(shared_testbed: OwnTestbed, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The platform, brought up once."""
    shared_testbed.deploy()
    return Platform.on(shared_testbed, tmp_path_factory.mktemp("configuration"))


@pytest.mark.parametrize("stack", STACKS)
def test_a_stack_that_was_brought_up_has_nothing_to_change(deployed: Platform, stack: str) -> None:
    deployed.pulumi("preview", stack, "--expect-no-changes")


@pytest.mark.parametrize("stack", STACKS)
def test_the_policies_accept_what_is_deployed(deployed: Platform, stack: str) -> None:
    said = deployed.pulumi("preview", stack, "--policy-pack", str(CHECKOUT / "policies"))
    assert "bighpc@v0.1.0" in said, "the pack ran"
    assert "[mandatory]" not in said


@pytest.mark.parametrize("stack", STACKS)
def test_the_policies_accept_what_is_not_there_yet(deployed: Platform, tmp_path: Path, stack: str) -> None:
    # A preview that knows little must not fill the gaps with what a rule forbids.
    empty = {"PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    shutil.copy(CHECKOUT / "Pulumi.yaml", tmp_path)
    deployed.run("pulumi", "stack", "init", stack, "--cwd", str(tmp_path), environment=empty)
    said = deployed.pulumi("preview", stack, "--policy-pack", str(CHECKOUT / "policies"), environment=empty)
    assert "to create" in said
    assert "[mandatory]" not in said


def test_a_policy_stops_what_no_constructor_saw(deployed: Platform, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text(
        f"name: bare\nruntime: {{name: python, options: {{virtualenv: {sys.prefix}}}}}\n"
    )
    (tmp_path / "__main__.py").write_text(
        "from pulumi_kubernetes.core.v1 import Namespace\nNamespace('bare', metadata={'name': 'bare'})\n"
    )
    project = ("--cwd", str(tmp_path), "--stack", "bare", "--non-interactive")
    deployed.run("pulumi", "stack", "init", *project)
    said = deployed.run("pulumi", "preview", "--policy-pack", str(CHECKOUT / "policies"), *project, code=None)
    assert "[mandatory]" in said
    assert "it has no label pod-security.kubernetes.io/enforce" in said
    deployed.run("pulumi", "stack", "rm", "--yes", *project)


def test_the_guard_refuses_the_same_forge_under_another_name(deployed: Platform) -> None:
    url = deployed.environment["GITLAB_BASE_URL"].replace("127.0.0.1", "localhost")
    said = deployed.pulumi("preview", "dev", code=None, environment={"GITLAB_BASE_URL": url})
    assert "the stack was brought up on 127.0.0.1/bighpc#" in said
    assert "found localhost/bighpc#" in said
    found = said.split("found ")[1].split()[0]
    move = {"bighpc:guard": {"moveTo": {"gitlab": found}}}
    deployed.pulumi("preview", "dev", config=move, environment={"GITLAB_BASE_URL": url})


@pytest.mark.parametrize(
    ("config", "environment", "sentence"),
    [
        ({"bighpc:forg": {"owner": True}}, {}, "write forge instead of forg"),
        ({"bighpc:testbed": {"quota": {"cpu": "4 cores"}}}, {}, 'value "4 cores"'),
        ({}, {"GITLAB_TOKEN": "glpat-wrong"}, "it answered 401"),
        ({}, {"GITLAB_BASE_URL": "http://127.0.0.1:9/api/v4/"}, "GitLab's API answers there"),
        ({}, {"KUBECONFIG": "/nowhere"}, "Configuration file /nowhere not found"),
    ],
)
def test_an_update_that_cannot_succeed_changes_nothing(
    deployed: Platform, config: dict[str, object], environment: dict[str, str], sentence: str
) -> None:
    before = resource_counts(deployed)
    said = deployed.pulumi("up", "dev", "--yes", "--skip-preview", code=None, config=config, environment=environment)
    assert sentence in said
    assert "nothing was changed" in said
    assert "Traceback" not in said
    assert resource_counts(deployed) == before


def test_destroying_the_stacks_leaves_nothing_and_they_come_back(
    deployed: Platform, shared_testbed: OwnTestbed
) -> None:
    # Groups and projects of prod hold people's work: deleting them takes this step on purpose.
    deployed.run("pulumi", "state", "unprotect", "--all", "--yes", "--stack", "prod", "--non-interactive")
    for stack in reversed(STACKS):
        deployed.pulumi("destroy", stack, "--yes", "--skip-preview")
    namespaces = deployed.run("kubectl", "get", "namespaces", "--output=name")
    assert "bighpc-" not in namespaces
    ours = "--selector=app.kubernetes.io/part-of=bighpc"
    for kind in ("applications", "appprojects", "secrets", "networkpolicies", "resourcequotas"):
        assert deployed.run("kubectl", "get", kind, "--all-namespaces", ours, "--output=name") == "", kind
    assert gitlab(deployed, "groups") == []
    assert gitlab(deployed, "projects") == []
    shared_testbed.deploy()
    for stack in STACKS:
        deployed.pulumi("preview", stack, "--expect-no-changes")


def resource_counts(platform: Platform) -> dict[str, int]:
    listed = json.loads(platform.run("pulumi", "stack", "ls", "--all", "--json"))
    return {each["name"]: each["resourceCount"] for each in listed}


def gitlab(platform: Platform, path: str) -> object:
    request = urllib.request.Request(
        platform.environment["GITLAB_BASE_URL"] + path,
        headers={"PRIVATE-TOKEN": platform.environment["GITLAB_TOKEN"]},
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return json.load(response)
