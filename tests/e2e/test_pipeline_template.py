"""What a research-software team does with the forge: a project from the template, pushed with plain git.

The runner, the pipelines, the registry and the environment repository are those of a testbed.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gitlab
import pytest
import yaml
from gitlab.v4.objects import Project

from tests.browser.browser import chromium
from tests.integration.clone import git
from tests.integration.own_testbed import OwnTestbed
from tests.integration.template_project import ROOT, SAMPLE

pytestmark = pytest.mark.e2e

_LIMIT = 900.0
"""Seconds for a whole pipeline: its jobs install linters and scanners from the package index."""
_ENVIRONMENTS = "bighpc/environments"
_MAIN_JOBS = {
    "build-job",
    *("unit-test-job", "lint-test-job", "security-dev-job", "promote-dev-job"),
    *("integration-test-job", "functional-test-job", "security-prev-job", "promote-preview-job"),
}


@dataclass(frozen=True, kw_only=True)
class Team:
    """A team's project and clone, and the environment repository."""

    client: gitlab.Gitlab
    project: Project
    environments: Project
    tree: Path
    token: str

    def git(self, *arguments: str) -> str:
        """Run git in the clone."""
        return git(self.tree, *arguments)

    def push(self, *references: str) -> str:
        """Commit everything and push; the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=feat: a change")
        self.git("push", "--quiet", "origin", *references)
        return self.git("rev-parse", "HEAD")

    def finished(self, **wanted: Any) -> Any:
        """The newest pipeline of a commit or tag, once it has ended."""
        deadline = time.monotonic() + _LIMIT
        while time.monotonic() < deadline:
            found = self.project.pipelines.list(per_page=1, get_all=False, **wanted)
            if found and found[0].status in ("success", "failed", "canceled", "skipped"):
                return self.project.pipelines.get(found[0].id)
            time.sleep(1)
        raise AssertionError(f"the pipeline of {wanted} did not end within {_LIMIT} s: {self.report(found)}")

    def report(self, pipelines: Any) -> str:
        """Every job's status, and the end of the log of those that failed."""
        lines = []
        for pipeline in pipelines:
            for job in pipeline.jobs.list(get_all=True):
                lines.append(f"{job.name}: {job.status}")
                if job.status == "failed":
                    lines.append(self.log(job)[-2000:])
        return "\n".join(lines)

    def log(self, job: Any) -> str:
        """A job's log."""
        return bytes(self.project.jobs.get(job.id).trace()).decode()

    def promoted(self, branch: str) -> str | None:
        """The image's digest that the environment repository's branch names."""
        path = f"applications/greeter/overlays/{branch}/image/kustomization.yaml"
        try:
            text = self.environments.files.get(path, branch).decode().decode()
        except gitlab.GitlabGetError:
            return None
        [image] = yaml.safe_load(text)["images"]
        return str(image["digest"])


@pytest.fixture(scope="module")
def team(shared_testbed: OwnTestbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A project made from the template, with the manifests of its application in the environment repository."""
    shared_testbed.deploy()
    token = shared_testbed.context.secret("gitlab-token")
    with shared_testbed.forge() as client:
        group = client.groups.get("bighpc")
        project = client.projects.create({"name": "greeter", "namespace_id": group.id, "visibility": "private"})
        assert isinstance(project, Project)
        environments = client.projects.get(_ENVIRONMENTS)
        expiry = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
        promotion = environments.access_tokens.create(
            {"name": "promotion", "scopes": ["write_repository"], "access_level": 40, "expires_at": expiry}
        )
        project.variables.create(
            {"key": "PROMOTION_TOKEN", "value": promotion.token, "masked": True, "protected": True}
        )
        project.protectedtags.create({"name": "v*"})
        add_manifests(environments)
        tree = tmp_path_factory.mktemp("team") / "greeter"
        shutil.copytree(SAMPLE, tree)
        port = shared_testbed.context.ports["registry"]
        (tree / ".gitlab-ci.yml").write_text(configuration(f"127.0.0.1:{port}/bighpc/greeter"))
        made = Team(client=client, project=project, environments=environments, tree=tree, token=promotion.token)
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("remote", "add", "origin", project.http_url_to_repo.replace("://", f"://oauth2:{token}@"))
        yield made
        project.delete()
        environments.access_tokens.delete(promotion.id)


def configuration(repository: str) -> str:
    """The team's ``.gitlab-ci.yml``."""
    inputs = {
        "executor": "shell",
        "runner-tags": ["shell"],
        "base-image": "scratch",
        "registry-image": repository,
        "registry-insecure": True,
        "deploy-image": "registry.bighpc.test/bighpc/greeter",
        # The others are run by the template's own tests; their installation takes minutes.
        "security-dev-scanners": "bandit detect-secrets",
        "security-prev-scanners": "cyclonedx-bom",
    }
    component = "$CI_SERVER_FQDN/bighpc/ci-cd/pipeline-templates/default/default@main"
    return yaml.safe_dump({"include": [{"component": component, "inputs": inputs}]})


def add_manifests(environments: Project) -> None:
    """Give every environment an application `greeter` that is like `hello`."""
    hello = ROOT / "environments/applications/hello"
    files = {str(path.relative_to(hello)): path.read_text() for path in hello.rglob("*.yaml")}
    actions = [
        {"action": "create", "file_path": f"applications/greeter/{name}", "content": text}
        for name, text in files.items()
        if "/image/" not in name
    ]
    for branch in ("dev", "preview", "prod"):
        environments.commits.create(
            {"branch": branch, "commit_message": "feat(greeter): manifests", "actions": actions}
        )


def test_a_push_runs_all_stages_and_the_digest_arrives_with_a_link(team: Team) -> None:
    commit = team.push("main")
    pipeline = team.finished(sha=commit)
    jobs = {job.name: job for job in pipeline.jobs.list(get_all=True)}
    assert pipeline.status == "success", team.report([pipeline])
    assert set(jobs) == _MAIN_JOBS
    for job in jobs.values():
        assert "Job succeeded" in team.log(job) or job.allow_failure, f"{job.name} tells how it ended"
    for branch in ("dev", "preview"):
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", team.promoted(branch) or ""), f"{branch} runs a digest"
        [newest] = team.environments.commits.list(ref_name=branch, per_page=1, get_all=False)
        assert pipeline.web_url in newest.message, "the commit says where it comes from"
    assert team.promoted("dev") == team.promoted("preview"), "what was tested is what goes on"
    assert team.promoted("prod") is None


def test_a_tag_deploys_to_production_and_makes_the_release(team: Team) -> None:
    team.git("tag", "v1.0.0")
    team.git("push", "--quiet", "origin", "v1.0.0")
    pipeline = team.finished(ref="v1.0.0")
    assert pipeline.status == "success", team.report([pipeline])
    assert team.promoted("prod") == team.promoted("preview")
    assert team.project.releases.get("v1.0.0").tag_name == "v1.0.0"


def test_a_failing_lint_stops_it_before_promotion(team: Team) -> None:
    before = team.promoted("dev")
    (team.tree / "greeter" / "sloppy.py").write_text("import os\n")
    commit = team.push("main")
    pipeline = team.finished(sha=commit)
    jobs = {job.name: job.status for job in pipeline.jobs.list(get_all=True)}
    assert pipeline.status == "failed"
    assert jobs["lint-test-job"] == "failed", team.report([pipeline])
    assert jobs["promote-dev-job"] in ("skipped", "created"), "nothing is promoted"
    assert team.promoted("dev") == before
    team.git("revert", "--no-edit", "HEAD")
    team.git("push", "--quiet", "--push-option=ci.skip", "origin", "main")


def test_the_log_of_each_job_can_be_read_on_the_page(team: Team) -> None:
    [newest] = team.project.pipelines.list(ref="v1.0.0", per_page=1, get_all=False)
    with chromium(team.client.url) as browser:
        browser.sign_in(str(team.client.private_token))
        for job in newest.jobs.list(get_all=True):
            browser.open(f"/{team.project.path_with_namespace}/-/jobs/{job.id}")
            assert job.name in browser.text
            end = "Job succeeded" if job.status == "success" else "Job failed"
            assert end in browser.find("#log").text, f"the end of the log of {job.name}, which is {job.status}"


def test_no_log_shows_a_token(team: Team) -> None:
    for pipeline in team.project.pipelines.list(iterator=True):
        for job in pipeline.jobs.list(get_all=True):
            assert team.token not in team.log(job), f"{job.name} of pipeline {pipeline.id}"
