"""What people see of the platform's own pipeline: the preview on a merge request, and what a fork's code gets.

The runner, the pipelines and the forge are those of a testbed; the review is the job of `pipelines/`.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab
import pytest
import yaml
from gitlab.v4.objects import Project

from tests.browser.browser import chromium
from tests.browser.picture import picture
from tests.contract.gitlab.support import fresh
from tests.e2e.job_place import JobPlace
from tests.integration.clone import git
from tests.integration.own_testbed import OwnTestbed
from tests.integration.platform import copy_checkout

pytestmark = pytest.mark.e2e

_LIMIT = 240.0
"""Seconds for a pipeline of one preview."""
_BASE = "e2e-base"
_ONLY_THE_REVIEW = {name: {"rules": [{"when": "never"}]} for name in ("lint", "unit", "answer")}


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The platform's project, its variables as a platform sets them, and a clone whose `e2e-base` is this checkout."""

    client: gitlab.Gitlab
    root: gitlab.Gitlab
    project: Project
    tree: Path
    secrets: tuple[str, ...]
    """What no log may show."""

    def change(self, project: Project, token: str, script: str | None = None) -> str:
        """Push a branch with another quota in `dev`, to the project or a fork of it.

        Args:
            project: where to.
            token: whose.
            script: what the job `review` runs instead of its own.
        """
        branch = fresh("change")
        git(self.tree, "checkout", "--quiet", "--force", "-b", branch, _BASE)
        file = self.tree / "Pulumi.dev.yaml"
        document = yaml.safe_load(file.read_text())
        document["config"]["bighpc:testbed"]["quota"] = {"cpu": 5, "memory": "9Gi"}
        file.write_text(yaml.safe_dump(document))
        if script is not None:
            entry = self.tree / ".gitlab-ci.yml"
            content = yaml.safe_load(entry.read_text())
            content["review"] = {"before_script": [], "script": [script]}
            entry.write_text(yaml.safe_dump(content))
        git(self.tree, "commit", "--quiet", "--all", "--message=feat: another testbed")
        git(self.tree, "push", "--quiet", _remote(project, token), branch)
        return branch

    def propose(self, source: Project, branch: str) -> Any:
        """Open the merge request of a branch, seen as a member of the platform's project."""
        asked = {"source_branch": branch, "target_branch": _BASE, "title": branch}
        made = source.mergerequests.create({**asked, "target_project_id": self.project.id})
        return self.project.mergerequests.get(made.iid)

    def reviewed(self, request: Any, place: Project) -> tuple[Any, str]:
        """The job `review` of the merge request's pipeline in a project, once that has ended, and its log."""
        deadline = time.monotonic() + _LIMIT
        found: list[Any] = []
        while time.monotonic() < deadline:
            # Commit statuses make a pipeline of their own, which has no job.
            known = request.pipelines.list(get_all=True)
            found = [each for each in known if (each.project_id, each.source) == (place.id, "merge_request_event")]
            if found and found[0].status in ("success", "failed", "canceled", "skipped"):
                pipeline = self.root.projects.get(place.id).pipelines.get(found[0].id)
                jobs = pipeline.jobs.list(get_all=True)
                assert [each.name for each in jobs] == ["review"], pipeline.yaml_errors
                return jobs[0], bytes(self.root.projects.get(place.id).jobs.get(jobs[0].id).trace()).decode()
            time.sleep(0.5)
        raise AssertionError(f"the pipeline of !{request.iid} did not end within {_LIMIT} s: {found}")


def _remote(project: Project, token: str) -> str:
    return str(project.http_url_to_repo).replace("://", f"://oauth2:{token}@")


@pytest.fixture(scope="module")
def platform(
    shared_testbed: OwnTestbed, jobs: JobPlace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """The platform's project with what its previews need."""
    context = shared_testbed.context
    passphrase, token = context.secret("pulumi-passphrase"), context.secret("gitlab-token")
    url = f"http://127.0.0.1:{context.ports['gitlab']}"
    with (
        shared_testbed.forge() as client,
        gitlab.Gitlab(url, private_token=context.secret("gitlab-root-token")) as root,
    ):
        project = client.projects.get("bighpc/platform")
        given = [project.variables.get(key).value for key in ("PREVIEW_TOKEN", "REVIEW_TOKEN")]
        tree = tmp_path_factory.mktemp("platform") / "tree"
        copy_checkout(tree)
        entry = tree / ".gitlab-ci.yml"
        entry.write_text(yaml.safe_dump({**yaml.safe_load(entry.read_text()), **_ONLY_THE_REVIEW}))
        git(tree, "init", "--quiet", f"--initial-branch={_BASE}")
        (tree / ".git" / "info" / "exclude").write_text(".venv\n")
        git(tree, "add", "--all")
        git(tree, "commit", "--quiet", "--message=chore: the platform as it is")
        remote = _remote(project, token)
        if not project.branches.list(get_all=False):
            # The first branch of all becomes the default branch.
            git(tree, "push", "--quiet", "--push-option=ci.skip", remote, f"{_BASE}:{project.default_branch}")
        git(tree, "push", "--quiet", "--push-option=ci.skip", remote, _BASE)
        yield Platform(client=client, root=root, project=project, tree=tree, secrets=(passphrase, token, *given))
        for branch in project.branches.list(get_all=True):
            if branch.name.startswith((_BASE, "change-")):
                branch.delete()


@dataclass(frozen=True, kw_only=True)
class Outsider:
    """Somebody who may read the platform's project, and a fork of it."""

    token: str
    fork: Project


@pytest.fixture(scope="module")
def outsider(platform: Platform) -> Iterator[Outsider]:
    name = fresh("outsider")
    user = platform.root.users.create({"username": name, "name": name, "email": f"{name}@example.com"})
    token = user.personal_access_tokens.create({"name": "e2e", "scopes": ["api"]}).token
    member = platform.project.members.create({"user_id": user.id, "access_level": 20})
    with gitlab.Gitlab(platform.client.url, private_token=token) as theirs:
        fork = theirs.projects.get(theirs.projects.get(platform.project.id).forks.create({}).id)
        # Fork and platform are on the same runner, so the fork says for itself that it has no containers.
        fork.variables.create({"key": "EXECUTOR", "value": "shell"})
        yield Outsider(token=token, fork=fork)
        fork.delete()
    member.delete()
    user.delete()


def test_a_merge_request_is_previewed_and_told(platform: Platform, shared_testbed: OwnTestbed) -> None:
    branch = platform.change(platform.project, shared_testbed.context.secret("gitlab-token"))
    request = platform.propose(platform.project, branch)
    job, log = platform.reviewed(request, platform.project)
    assert job.status == "success", log
    [note] = [each for each in request.notes.list(get_all=True) if each.body.startswith("<!-- bighpc:review")]
    assert "ResourceQuota" in note.body
    assert "### ✅ Preview: " in note.body
    assert note.author["username"].startswith("project_"), "the bot of REVIEW_TOKEN wrote it"
    [status] = platform.project.commits.get(request.sha).statuses.list(get_all=True, name="pulumi/dev")
    assert status.status == "success"
    kinds = {each["file_type"] for each in job.artifacts}
    assert {"archive", "terraform", "codequality", "junit"} <= kinds
    with chromium(platform.client.url) as browser:
        browser.sign_in(shared_testbed.context.secret("gitlab-token"))
        browser.open(f"/{platform.project.path_with_namespace}/-/merge_requests/{request.iid}")
        page = browser.text
        picture(browser, "review-merge-request")
    assert "✅ Preview: " in page
    assert [secret for secret in platform.secrets if secret in log + note.body + page] == []


def test_a_fork_s_review_is_a_warning_until_a_member_releases_it(platform: Platform, outsider: Outsider) -> None:
    branch = platform.change(outsider.fork, outsider.token)
    request = platform.propose(outsider.fork, branch)
    job, log = platform.reviewed(request, outsider.fork)
    assert (job.status, job.allow_failure) == ("failed", True), log
    assert "It runs in a fork, which gets none of the platform's variables." in log
    assert f"/-/merge_requests/{request.iid}/pipelines" in log
    assert request.notes.list(get_all=True, system=False) == []

    request.pipelines.create()
    job, log = platform.reviewed(request, platform.project)
    assert job.status == "success", log
    assert [each for each in request.notes.list(get_all=True) if "ResourceQuota" in each.body]


def test_a_fork_s_code_gets_no_secret_whatever_it_does(platform: Platform, outsider: Outsider) -> None:
    # Masking would hide what is there from a test that looks at plain text.
    branch = platform.change(
        outsider.fork, outsider.token, script='env | base64 -w0; echo; cat "${VIEW_KUBECONFIG:-/dev/null}"'
    )
    request = platform.propose(outsider.fork, branch)
    job, log = platform.reviewed(request, outsider.fork)
    assert job.status == "success", log
    [encoded] = re.findall(r"[A-Za-z0-9+/]{400,}={0,2}", log)
    seen = log + base64.b64decode(encoded).decode()
    assert "CI_JOB_TOKEN=" in seen, "the script did what it wanted"
    assert [secret for secret in platform.secrets if secret in seen] == []
    assert not re.search(
        r"^(PREVIEW_TOKEN|REVIEW_TOKEN|PULUMI_BACKEND_URL|PULUMI_CONFIG_PASSPHRASE)=", seen, re.MULTILINE
    )
