"""``bighpc review`` on a merge request of the platform's own repository: real engine, real policies, one note."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from gitlab.v4.objects import Project, ProjectMergeRequest

from tests.integration.clone import git
from tests.integration.own_testbed import BIGHPC, OwnTestbed
from tests.integration.platform import Platform, copy_checkout

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A clone of the platform's repository, and a merge request from its branch `change`."""

    tree: Path
    platform: Platform
    project: Project

    def git(self, *arguments: str) -> str:
        """Run git in the clone."""
        return git(self.tree, *arguments)

    def change(self, settings: dict[str, Any]) -> str:
        """Commit other settings of stack `dev` and push them; returns the commit."""
        file = self.tree / "Pulumi.dev.yaml"
        document = yaml.safe_load(file.read_text())
        document.pop("encryptionsalt", None)
        document["config"]["bighpc:testbed"] = settings
        file.write_text(yaml.safe_dump(document))
        self.git("commit", "--quiet", "--message=feat: another testbed", "Pulumi.dev.yaml")
        self.git("push", "--quiet", "origin", "HEAD:change")
        return self.git("rev-parse", "HEAD")

    def review(self, *arguments: str) -> tuple[int, str]:
        """Run the command as a pipeline does; exit code and what it printed."""
        done = subprocess.run(
            [BIGHPC, "review", *arguments],
            cwd=self.tree,
            env=dict(self.platform.environment),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def on(self, request: ProjectMergeRequest) -> list[str]:
        """What the review takes to tell it there."""
        number = str(request.iid)
        return ["--base", "origin/dev", "--project", self.project.path_with_namespace, "--merge-request", number]


@pytest.fixture(scope="module")
def platform(shared_testbed: OwnTestbed, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """The platform, brought up."""
    shared_testbed.deploy()
    return Platform.on(shared_testbed, tmp_path_factory.mktemp("configuration"))


@pytest.fixture
def proposal(shared_testbed: OwnTestbed, platform: Platform, tmp_path: Path) -> Iterator[Proposal]:
    """This checkout, as branch `dev` of a project of the test's own; its pipelines are off."""
    tree = tmp_path / "platform"
    copy_checkout(tree)
    token = platform.environment["GITLAB_TOKEN"]
    with shared_testbed.forge() as client:
        name = f"platform-{os.urandom(4).hex()}"
        project = client.projects.create({"name": name, "builds_access_level": "disabled"})
        assert isinstance(project, Project)
        made = Proposal(tree=tree, platform=platform, project=project)
        made.git("init", "--quiet", "--initial-branch=dev")
        (tree / ".git" / "info" / "exclude").write_text(".venv\nreview/\n")
        made.git("add", "--all")
        made.git("commit", "--quiet", "--message=chore: the platform as it is")
        made.git("remote", "add", "origin", project.http_url_to_repo.replace("://", f"://oauth2:{token}@"))
        made.git("push", "--quiet", "origin", "HEAD:refs/heads/dev")
        made.git("fetch", "--quiet", "origin")
        yield made
        project.delete()


def test_the_review_is_one_note_that_follows_the_merge_request(proposal: Proposal) -> None:
    first = proposal.change({"quota": {"cpu": 5, "memory": "9Gi"}})
    asked = {"source_branch": "change", "target_branch": "dev", "title": "Another testbed"}
    request = proposal.project.mergerequests.create(asked)
    assert isinstance(request, ProjectMergeRequest)

    code, said = proposal.review(*proposal.on(request))
    assert code == 0, said
    assert "dev: affected, because its settings changed (`Pulumi.dev.yaml`)" in said
    assert "prod: not affected, because neither its settings" in said
    [note] = request.notes.list(get_all=True, system=False)
    assert f'"commit": "{first}"' in note.body
    assert "ResourceQuota" in note.body
    assert "### ✅ Preview: " in note.body
    [status] = proposal.project.commits.get(first).statuses.list(get_all=True, name="pulumi/dev")
    assert status.status == "success"

    second = proposal.change({"quota": {"cpu": 6, "memory": "9Gi"}})
    assert proposal.review(*proposal.on(request))[0] == 0
    [updated] = [each for each in request.notes.list(get_all=True) if each.body.startswith("<!-- bighpc")]
    assert updated.id == note.id, "updated in place"
    assert f'"commit": "{second}"' in updated.body

    # By force: the engine has written the salt of its secrets into the stack file.
    proposal.git("checkout", "--quiet", "--force", first)
    code, said = proposal.review(*proposal.on(request))
    assert code == 0, said
    assert f"is at {second[:8]} by now" in said
    assert request.notes.get(note.id).body == updated.body, "the older commit leaves the note alone"


def test_what_cannot_be_built_is_refused_with_the_reason(proposal: Proposal) -> None:
    proposal.change({"quota": {"cpu": -1}})
    code, said = proposal.review("--base", "origin/dev")
    assert code == 1, said
    assert "dev: may not be merged" in said
    assert "quota" in (proposal.tree / "review" / "review.md").read_text()


def test_no_secret_gets_into_anything_that_the_review_writes(proposal: Proposal, shared_testbed: OwnTestbed) -> None:
    code, said = proposal.review("--stack", "prod", "--stack", "dev")
    assert code == 0, said
    written = said + "".join(file.read_text() for file in (proposal.tree / "review").iterdir())
    secrets = [file.read_text().strip() for file in shared_testbed.layout.secrets.iterdir()]
    assert len(secrets) > 3
    assert [secret for secret in secrets if secret in written] == []
