"""A team's project made from the pipeline template, its clone, and its application in the environment repository."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import gitlab
import yaml
from gitlab.v4.objects import Project

from tests.integration.clone import git
from tests.integration.own_testbed import OwnTestbed
from tests.integration.template_project import ROOT, SAMPLE

__all__ = ["MAIN_JOBS", "Team", "make_team"]

_LIMIT = 900.0
"""Seconds for a whole pipeline: its jobs install linters and scanners from the package index."""
_ENVIRONMENTS = "bighpc/environments"
MAIN_JOBS = {
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

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=feat: a change")

    def push(self, *references: str) -> str:
        """Commit everything and push; the commit."""
        self.commit()
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

    def jobs(self, pipeline: Any) -> dict[str, Any]:
        """A pipeline's jobs by name."""
        return {job.name: job for job in pipeline.jobs.list(get_all=True)}

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
        path = f"applications/{self.project.path}/overlays/{branch}/image/kustomization.yaml"
        try:
            text = self.environments.files.get(path, branch).decode().decode()
        except gitlab.GitlabGetError:
            return None
        [image] = yaml.safe_load(text)["images"]
        return str(image["digest"])


@contextmanager
def make_team(testbed: OwnTestbed, directory: Path, name: str, inputs: Mapping[str, Any]) -> Iterator[Team]:
    """A project made from the template, with the manifests of its application in the environment repository.

    Args:
        testbed: the run's own.
        directory: gets the clone.
        name: of the project and the application.
        inputs: of the template, beside those that every project on a testbed needs.
    """
    testbed.deploy()
    token = testbed.context.secret("gitlab-token")
    with testbed.forge() as client:
        group = client.groups.get("bighpc")
        project = client.projects.create({"name": name, "namespace_id": group.id, "visibility": "private"})
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
        _add_manifests(environments, name)
        tree = directory / name
        shutil.copytree(SAMPLE, tree)
        (tree / ".gitlab-ci.yml").write_text(_configuration(testbed.context.ports["registry"], name, inputs))
        made = Team(client=client, project=project, environments=environments, tree=tree, token=promotion.token)
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("remote", "add", "origin", project.http_url_to_repo.replace("://", f"://oauth2:{token}@"))
        yield made
        project.delete()
        environments.access_tokens.delete(promotion.id)


def _configuration(registry: int, name: str, inputs: Mapping[str, Any]) -> str:
    """The team's ``.gitlab-ci.yml``."""
    every = {
        "base-image": "scratch",
        "registry-image": f"127.0.0.1:{registry}/bighpc/{name}",
        "registry-insecure": True,
        "deploy-image": f"registry.bighpc.test/bighpc/{name}",
        # The others are run by the template's own tests; their installation takes minutes.
        "security-dev-scanners": "bandit detect-secrets",
        "security-prev-scanners": "cyclonedx-bom",
    }
    component = "$CI_SERVER_FQDN/bighpc/ci-cd/pipeline-templates/default/default@main"
    return yaml.safe_dump({"include": [{"component": component, "inputs": {**every, **inputs}}]})


def _add_manifests(environments: Project, name: str) -> None:
    """Give every environment an application that is like `hello`."""
    hello = ROOT / "environments/applications/hello"
    files = {str(path.relative_to(hello)): path.read_text() for path in hello.rglob("*.yaml")}
    actions = [
        {"action": "create", "file_path": f"applications/{name}/{file}", "content": text}
        for file, text in files.items()
        if "/image/" not in file
    ]
    for branch in ("dev", "preview", "prod"):
        environments.commits.create(
            {"branch": branch, "commit_message": f"feat({name}): manifests", "actions": actions}
        )
