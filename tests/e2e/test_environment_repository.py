"""What a research-software team does: change a manifest, push it, see it run; take it back, see it gone."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from testbed.environment import variables
from tests.integration.clone import git
from tests.integration.own_testbed import OwnTestbed

pytestmark = pytest.mark.e2e

_LIMIT = 120.0
"""Seconds for a push to reach the pods."""
_DEPLOYMENT = "applications/hello/base/deployment.yaml"


@pytest.fixture
def clone(testbed: OwnTestbed, tmp_path: Path) -> Path:
    """A clone of the environment repository's branch `dev`, made with a token and plain git."""
    testbed.deploy()
    environment = variables(testbed.context)
    url = environment["GITLAB_BASE_URL"].removesuffix("api/v4/") + "bighpc/environments.git"
    credentials = url.replace("://", f"://oauth2:{environment['GITLAB_TOKEN']}@")
    git(tmp_path, "clone", "--quiet", "--branch=dev", credentials, "clone")
    return tmp_path / "clone"


def test_a_push_reaches_the_pods_and_a_revert_takes_it_back(testbed: OwnTestbed, clone: Path) -> None:
    before = answer(testbed)
    assert before["environment"] == "dev"
    assert before["node"] == "testbed-0", "a real pod answers"

    manifest = clone / _DEPLOYMENT
    text = manifest.read_text()
    assert before["greeting"] in text, "the greeting is data of the environment repository"
    manifest.write_text(text.replace(before["greeting"], "Greetings from a push"))
    git(clone, "commit", "--quiet", "--all", "--message=feat(hello): greet otherwise")
    git(clone, "push", "--quiet", "origin", "dev")
    assert eventually(testbed, "Greetings from a push")["pod"] != before["pod"], "a new pod answers"

    git(clone, "revert", "--no-edit", "HEAD")
    git(clone, "push", "--quiet", "origin", "dev")
    eventually(testbed, before["greeting"])


def test_a_commit_says_what_became_of_it(testbed: OwnTestbed, clone: Path) -> None:
    manifest = clone / _DEPLOYMENT
    text = manifest.read_text()
    broken = text.replace("port: http\n", "port: 9\n", 1)
    assert broken != text, "its readiness is asked for where nobody answers"
    # Kubernetes calls a rollout failed after ten minutes, unless it is told otherwise.
    manifest.write_text(broken.replace("  replicas: 1\n", "  replicas: 1\n  progressDeadlineSeconds: 5\n"))
    git(clone, "commit", "--quiet", "--all", "--message=feat(hello): never become ready")
    git(clone, "push", "--quiet", "origin", "dev")
    said = commit_status(testbed, git(clone, "rev-parse", "HEAD"), "failed")
    assert said.description.startswith("Degraded: Deployment hello: ")
    assert "progress deadline" in said.description
    with urllib.request.urlopen(said.target_url, timeout=10) as page:
        assert "hello-dev" in page.read().decode(), "it leads to the application"

    git(clone, "revert", "--no-edit", "HEAD")
    git(clone, "push", "--quiet", "origin", "dev")
    said = commit_status(testbed, git(clone, "rev-parse", "HEAD"), "success")
    assert said.description == "Synced and healthy."


def test_nobody_rewrites_an_environment_branch(testbed: OwnTestbed, clone: Path) -> None:
    git(clone, "commit", "--quiet", "--amend", "--message=another history")
    refused = subprocess.run(
        ["git", "-C", clone, "push", "--force", "origin", "dev"], capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "not allowed to force push" in refused.stderr


def eventually(testbed: OwnTestbed, greeting: str) -> Mapping[str, Any]:
    """What hello answers once it greets like that."""
    deadline = time.monotonic() + _LIMIT
    while (said := answer(testbed))["greeting"] != greeting:
        assert time.monotonic() < deadline, f"after {_LIMIT} s hello still greets with {said['greeting']!r}"
        time.sleep(0.5)
    return said


def commit_status(testbed: OwnTestbed, commit: str, wanted: str) -> Any:
    """What Argo CD says about a commit of the environment repository, in GitLab, once it says that."""
    deadline = time.monotonic() + _LIMIT
    with testbed.forge() as client:
        found = client.projects.get("bighpc/environments").commits.get(commit)
        while True:
            said = found.statuses.list(name="argocd/hello-dev", get_all=True)
            if [status.status for status in said] == [wanted]:
                return said[0]
            assert time.monotonic() < deadline, f"after {_LIMIT} s {commit} has {[each.attributes for each in said]}"
            time.sleep(0.5)


def answer(testbed: OwnTestbed) -> Mapping[str, Any]:
    """What hello in dev says over its Service."""
    context = testbed.context
    command = [
        str(context.tools.path("kubectl")),
        f"--kubeconfig={context.layout.kubeconfig}",
        "--namespace=bighpc-dev",
    ]
    command += ["get", "service", "hello", "--output=jsonpath={.spec.clusterIP}"]
    address = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    with urllib.request.urlopen(f"http://{address}/", timeout=10) as response:
        said: dict[str, Any] = json.load(response)
    return said
