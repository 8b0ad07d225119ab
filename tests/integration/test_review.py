"""``bighpc review`` on a merge request of the platform's own repository: real engine, real policies, one note."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from gitlab.v4.objects import Project, ProjectMergeRequest

from tests.browser.browser import chromium
from tests.browser.picture import picture
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
        """Commit other settings of the testbed of stack `dev` and push them; returns the commit."""
        file = self.tree / "Pulumi.dev.yaml"
        document = yaml.safe_load(file.read_text())
        document.pop("encryptionsalt", None)
        document["config"]["bighpc:testbed"].update(settings)
        return self.push({"Pulumi.dev.yaml": yaml.safe_dump(document)})

    def push(self, files: Mapping[str, str | None]) -> str:
        """Commit other files, None removes one, and push them; returns the commit."""
        for name, text in files.items():
            file = self.tree / name
            if text is None:
                file.unlink()
            else:
                file.write_text(text)
        # The engine has written the salt of its secrets into the stack files.
        self.git("add", "--all", "--", *files)
        self.git("commit", "--quiet", "--message=feat: another platform")
        self.git("push", "--quiet", "--force", "origin", "HEAD:change")
        return self.git("rev-parse", "HEAD")

    def show(self, name: str) -> None:
        """Keep the picture of the merge request's page."""
        [request] = self.project.mergerequests.list(get_all=True)
        with chromium(self.platform.environment["GITLAB_BASE_URL"].removesuffix("/api/v4/")) as browser:
            browser.sign_in(self.platform.environment["GITLAB_TOKEN"])
            browser.open(f"/{self.project.path_with_namespace}/-/merge_requests/{request.iid}")
            picture(browser, name)

    def reviewed(self, files: Mapping[str, str | None]) -> tuple[int, str, dict[str, str]]:
        """Review a change on a merge request: exit code, the note, and the state of each commit status."""
        commit = self.push(files)
        request = self.open()
        code, said = self.review(*self.on(request))
        notes = [each.body for each in request.notes.list(get_all=True) if each.body.startswith("<!-- bighpc")]
        assert len(notes) == 1, said
        statuses = self.project.commits.get(commit).statuses.list(get_all=True)
        return code, notes[0], {each.name: each.status for each in statuses}

    def open(self) -> ProjectMergeRequest:
        """The merge request of the branch."""
        asked = {"source_branch": "change", "target_branch": "dev", "title": "Another platform"}
        request = self.project.mergerequests.create(asked)
        assert isinstance(request, ProjectMergeRequest)
        return request

    def review(self, *arguments: str) -> tuple[int, str]:
        """Run the command as a pipeline does; exit code and what it printed."""
        return self.run("review", *arguments)

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run ``bighpc`` in the clone; exit code and what it printed."""
        done = subprocess.run(
            [BIGHPC, *arguments],
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
        project.only_allow_merge_if_pipeline_succeeds = True
        project.save()
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


@pytest.fixture
def manifests(proposal: Proposal) -> Iterator[None]:
    """What the application `extra` is made of, on the branches of the environment repository."""
    repository = proposal.project.manager.gitlab.projects.get("bighpc/environments")
    for action in ("create", "delete"):
        for branch in ("dev", "preview", "prod"):
            file = {"action": action, "file_path": f"applications/extra/overlays/{branch}/kustomization.yaml"}
            content = {} if action == "delete" else {"content": "resources: []\n"}
            message = f"test: {action} what extra is made of"
            repository.commits.create({"branch": branch, "commit_message": message, "actions": [{**file, **content}]})
        if action == "create":
            yield


def test_the_review_is_one_note_that_follows_the_merge_request(proposal: Proposal) -> None:
    first = proposal.change({"quota": {"cpu": 5, "memory": "9Gi"}})
    request = proposal.open()

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


EXTRA = {"stacks/applications/extra.yaml": "name: extra\nowner: platform\n"}


def test_an_application_without_manifests_is_refused_with_their_place(proposal: Proposal) -> None:
    code, note, statuses = proposal.reviewed(EXTRA)
    assert code == 1, note
    assert "applications/extra/overlays/prod" in note
    assert statuses == {"pulumi/dev": "failed", "pulumi/preview": "failed", "pulumi/prod": "failed"}


def test_another_application_is_previewed_in_every_environment(proposal: Proposal, manifests: None) -> None:
    code, note, statuses = proposal.reviewed(EXTRA)
    assert code == 0, note
    assert note.count("+ Application extra-application") == 3
    assert "### ✅ Preview: " in note
    assert statuses == {"pulumi/dev": "success", "pulumi/preview": "success", "pulumi/prod": "success"}
    # A replacement counts as both.
    assert json.loads((proposal.tree / "review" / "terraform.json").read_text())["create"] >= 1


def test_what_breaks_a_policy_is_stopped_with_the_remedy(proposal: Proposal) -> None:
    settings = (proposal.tree / "Pulumi.prod.yaml").read_text().replace("protect: true", "protect: false")
    code, note, statuses = proposal.reviewed({"Pulumi.prod.yaml": settings})
    assert code == 1, note
    assert "### ⛔ Preview: prod may not be merged as it is" in note
    assert "| **mandatory** | prod | `stack-data-protected` |" in note
    assert statuses == {"pulumi/prod": "failed"}
    quality = json.loads((proposal.tree / "review" / "codequality.json").read_text())
    assert "stack-data-protected" in {each["check_name"] for each in quality}
    proposal.show("review-policy")


def test_a_protected_resource_that_would_go_comes_first(proposal: Proposal) -> None:
    code, note, statuses = proposal.reviewed({"stacks/projects/components/accounting.yaml": None})
    assert code == 1, note
    assert "Project is deleted: what it holds is lost" in note or "is protected" in note, note
    assert statuses == {"pulumi/prod": "failed"}
    proposal.show("review-deletion")


def test_documents_cost_nothing(proposal: Proposal) -> None:
    code, note, statuses = proposal.reviewed({"README.md": "# Another\n"})
    assert (code, statuses) == (0, {}), note
    assert "### ✅ Preview: no stack is affected" in note


@pytest.mark.parametrize(
    ("file", "text", "why"),
    [
        ("components/kubernetes/testbed.py", "def broken(:\n", "SyntaxError"),
        ("Pulumi.dev.yaml", "config: [\n", "Pulumi.dev.yaml"),
    ],
)
def test_what_is_no_program_or_no_data_is_refused_with_the_place(
    proposal: Proposal, file: str, text: str, why: str
) -> None:
    code, note, statuses = proposal.reviewed({file: text})
    assert code == 1, note
    assert why in note.partition("why the preview failed")[2]
    assert statuses["pulumi/dev"] == "failed"


def test_questions_in_a_discussion_are_answered_by_the_real_engine(proposal: Proposal) -> None:
    proposal.change({"quota": {"cpu": 5, "memory": "9Gi"}})
    request = proposal.open()
    proposal.git("checkout", "--quiet", "--force", "dev")
    quota = "urn:pulumi:dev::bighpc::bighpc:testbed:Testbed$kubernetes:core/v1:ResourceQuota::testbed-quota"
    for body in ("/preview dev --refresh", f"/explain {quota}"):
        request.notes.create({"body": body})
    code, said = proposal.run("answer", "--project", proposal.project.path_with_namespace)
    assert code == 0, said
    threads = [each.attributes["notes"] for each in request.discussions.list(get_all=True)]
    answers = {notes[0]["body"].split()[0]: notes[1]["body"] for notes in threads if not notes[0]["system"]}
    assert "### ✅ Preview: 1 to update" in answers["/preview"]
    assert "limits.cpu" in answers["/preview"]
    explained = answers["/explain"]
    assert "#### `testbed-quota` in stack dev" in explained
    assert "| component | Testbed testbed |" in explained
    assert "`components/kubernetes/testbed.py:" in explained
    assert "| data | `Pulumi.dev.yaml` |" in explained
    assert "| depends on | `testbed-namespace` |" in explained
    assert "It would be updated, because of:" in explained
    assert "- mandatory: `kubernetes-resourcequota-complete`" in explained
    assert proposal.git("rev-parse", "--abbrev-ref", "HEAD") == "dev", "the checkout stays where it is"


def test_no_secret_gets_into_anything_that_the_review_writes(proposal: Proposal, shared_testbed: OwnTestbed) -> None:
    code, said = proposal.review("--stack", "prod", "--stack", "dev")
    assert code == 0, said
    written = said + "".join(file.read_text() for file in (proposal.tree / "review").iterdir())
    secrets = [file.read_text().strip() for file in shared_testbed.layout.secrets.iterdir()]
    assert len(secrets) > 3
    assert [secret for secret in secrets if secret in written] == []
