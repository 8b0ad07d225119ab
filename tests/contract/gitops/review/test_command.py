"""The review on a merge request of the double, with an engine that says what it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import gitlab
import pytest
import requests
from gitlab.v4.objects import Project, ProjectMergeRequest
from rich.console import Console

from gitops.markdown import LIMIT
from gitops.review import publish
from gitops.review.command import Target, Wanted, review
from gitops.review.note import Origin, is_ours, render
from tests.contract.gitlab.support import Double, Git, fresh, make_person
from tests.contract.gitops.fake_engine import FakeEngine
from tests.unit.gitops.review.events import SECRET, error, step, violation

STACKS = ("dev", "preview", "prod")


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A merge request of a checkout's branch `change` to `dev`."""

    merge_request: ProjectMergeRequest
    project: Project
    git: Git
    out: Path

    def push(self, file: str, text: str) -> str:
        """Change a file; returns the commit."""
        commit = self.git.commit(file, text)
        self.git("push", "--quiet", "origin", f"HEAD:{self.merge_request.source_branch}")
        return commit

    def review(self) -> tuple[bool, str]:
        """Whether it may be merged, and what was printed."""
        shown = StringIO()
        wanted = Wanted(
            directory=self.git.directory,
            out=self.out,
            base="origin/dev",
            stacks=(),
            refresh=False,
            limit_s=30,
            target=Target(project=self.project.path_with_namespace, number=self.merge_request.iid),
        )
        return review(wanted, Console(file=shown, width=300)), shown.getvalue()

    @property
    def notes(self) -> list[str]:
        """The reviews on the merge request."""
        listed = self.merge_request.notes.list(get_all=True, sort="asc")
        return [each.body for each in listed if is_ours(each.body)]

    @property
    def statuses(self) -> dict[str, tuple[str, str]]:
        """The commit's statuses: state and description by name."""
        head = self.git("rev-parse", "HEAD").strip()
        listed = self.project.commits.get(head, lazy=True).statuses.list(get_all=True)
        return {each.name: (each.status, each.description) for each in listed}


@pytest.fixture(scope="module")
def shared(double: Double, bot: gitlab.Gitlab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Git]:
    """A project with `dev` and a checkout of it; each test has a branch of its own."""
    project = bot.projects.create({"name": fresh("project"), "default_branch": "dev", "visibility": "private"})
    git = Git(tmp_path_factory.mktemp("checkout"))
    git("init", "--quiet", "--initial-branch=dev")
    git("remote", "add", "origin", double.remote(project.path_with_namespace, double.bot_token))
    for stack in STACKS:
        git.commit(f"Pulumi.{stack}.yaml", "config:\n  bighpc:forge: {owner: false}\n")
    git("push", "--quiet", "origin", "dev")
    return project, git


@pytest.fixture
def proposal(
    shared: tuple[Project, Git],
    engine: FakeEngine,
    connected: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Proposal:
    """A merge request that changes a document; every stack is as it should be."""
    project, git = shared
    for name in ("CI_JOB_URL", "REVIEW_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for stack in STACKS:
        engine.has(stack)
    branch = fresh("change")
    git("checkout", "--quiet", "-B", branch, "origin/dev")
    git.commit("README.md", branch)
    git("push", "--quiet", "origin", branch)
    made = project.mergerequests.create({"source_branch": branch, "target_branch": "dev", "title": "Change"})
    return Proposal(merge_request=made, project=project, git=git, out=tmp_path / "review")


@pytest.fixture
def trouble(double: Double) -> Iterator[Callable[..., None]]:
    """Arranges failing answers of GitLab, until the test ends."""
    headers = {"PRIVATE-TOKEN": double.root_token}

    def arrange(**fault: Any) -> None:
        requests.post(f"{double.url}/-/testbed/faults", json=fault, headers=headers, timeout=10).raise_for_status()

    yield arrange
    requests.delete(f"{double.url}/-/testbed/faults", headers=headers, timeout=10).raise_for_status()


def test_documents_touch_no_stack(proposal: Proposal, engine: FakeEngine) -> None:
    passed, shown = proposal.review()
    assert passed, shown
    [note] = proposal.notes
    assert "### ✅ Preview: no stack is affected" in note
    assert note.count("not affected, because neither its settings nor the program") == 3
    assert "no preview needed" in note
    assert (engine.calls, proposal.statuses) == ([], {})


def test_a_violated_policy_is_in_note_widgets_status_and_verdict(proposal: Proposal, engine: FakeEngine) -> None:
    proposal.push("Pulumi.dev.yaml", "config: {}\n")
    engine.says("preview", "dev", events=[step("create", new={}), violation()], code=255)
    passed, _ = proposal.review()
    assert not passed
    [note] = proposal.notes
    assert "### ⛔ Preview: dev may not be merged as it is" in note
    assert "| **mandatory** | dev | `gitlab-visibility-limited` | `demo` | It must be private. |" in note
    [quality] = json.loads((proposal.out / "codequality.json").read_text())
    assert (quality["severity"], quality["location"]["path"]) == ("critical", "Pulumi.dev.yaml")
    assert 'failures="1"' in (proposal.out / "junit.xml").read_text()
    assert json.loads((proposal.out / "terraform.json").read_text()) == {"create": 1, "update": 0, "delete": 0}
    assert proposal.statuses == {"pulumi/dev": ("failed", "violates gitlab-visibility-limited")}


def test_a_deleted_protected_resource_comes_first(proposal: Proposal, engine: FakeEngine) -> None:
    proposal.push("Pulumi.dev.yaml", "config: {}\n")
    gone = step("delete", "hook", token="gitlab:index/projectHook:ProjectHook", old={"url": "x"}, protect=True)
    why = error("resource hook cannot be deleted because it is protected")
    engine.says("preview", "dev", events=[step("update", old={}, new={}), gone, why], code=255)
    passed, _ = proposal.review()
    assert not passed
    [note] = proposal.notes
    first = note.index("- dev: `hook`: ProjectHook is deleted, although it is protected")
    assert first < note.index("why the preview failed") < note.index("- ProjectHook hook (protected)")
    status, said = proposal.statuses["pulumi/dev"]
    assert (status, said) == ("failed", "preview failed: resource hook cannot be deleted because it is protected")


@pytest.mark.parametrize(
    ("text", "why"),
    [("config: [\n", "Pulumi.dev.yaml is no YAML: "), ("- a\n", "Pulumi.dev.yaml has no mapping 'config'")],
)
def test_a_stack_file_that_is_none_is_named(proposal: Proposal, engine: FakeEngine, text: str, why: str) -> None:
    proposal.push("Pulumi.dev.yaml", text)
    passed, shown = proposal.review()
    assert not passed
    assert "dev: affected, because its settings changed" in shown
    assert why in proposal.notes[0].partition("dev: why the preview failed")[2]
    assert proposal.statuses["pulumi/dev"][0] == "failed"
    assert engine.calls == []


def test_2000_changes_are_a_readable_note_below_the_limit(proposal: Proposal, engine: FakeEngine) -> None:
    proposal.push("Pulumi.dev.yaml", "config: {}\n")
    text = {f"property-{number}": "x" * 250 for number in range(4)}
    events = [step("create", f"resource-{number:04}", new=text) for number in range(2000)]
    engine.says("preview", "dev", events=[*events, step("delete", "precious", old={})])
    passed, _ = proposal.review()
    assert passed
    [note] = proposal.notes
    assert 0.9 * LIMIT < len(note) <= LIMIT
    assert "| **dev** | 2000 | 0 | 0 | 1 | 0 | pass | ✅ ready |" in note
    assert note.index("`precious`: Project is deleted: what it holds is lost") < note.index("resource-0000")
    assert note.count("<details>") == note.count("</details>")
    assert sum(line.startswith("```") for line in note.splitlines()) % 2 == 0
    assert "more lines are in the job's artifacts" in note
    assert note.rstrip().splitlines()[-1].startswith("Describes commit ")
    assert (proposal.out / "review.md").read_text().count("\n+ Project resource-") == 2000


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"status": 429, "retry_after": 1}])
def test_a_busy_gitlab_is_asked_again(proposal: Proposal, trouble: Callable[..., None], fault: dict[str, int]) -> None:
    trouble(match="^(POST|PUT) /api/v4/.*/notes", times=2, **fault)
    passed, shown = proposal.review()
    assert passed
    assert "told at http" in shown
    assert len(proposal.notes) == 1


def test_the_verdict_does_not_depend_on_the_note(
    proposal: Proposal, engine: FakeEngine, trouble: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publish, "_PAUSES_S", (0.01,))
    trouble(match="^POST /api/v4/.*/notes", status=500)
    passed, shown = proposal.review()
    assert passed
    assert "it could not be told: GitLab answered 500 to the note" in shown
    assert proposal.notes == []
    proposal.push("Pulumi.dev.yaml", "config: {}\n")
    engine.says("preview", "dev", events=[error("broken")], code=255)
    assert not proposal.review()[0]


def test_a_token_that_may_not_write_is_said_and_changes_no_verdict(
    proposal: Proposal, double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = make_person(double, double.client(double.root_token), scopes=("read_api",))
    proposal.project.members.create({"user_id": person.id, "access_level": 30})
    monkeypatch.setenv("GITLAB_TOKEN", person.token)
    passed, shown = proposal.review()
    assert passed
    assert "it could not be told: GitLab answered 403 to the note" in shown
    assert "the scope api" in shown


def test_of_two_pipelines_the_note_shows_the_newer_however_busy_gitlab_is(
    proposal: Proposal, trouble: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    iid = proposal.merge_request.iid
    older = proposal.git("rev-parse", "HEAD").strip()
    publish.publish_note(proposal.project, iid, render([], [], Origin(commit=older)), older)
    newer: list[str] = []

    def meanwhile(_: float) -> None:
        """While the older pipeline waits to try again, another commit is pushed and reviewed."""
        monkeypatch.setattr(publish, "sleep", lambda _: None)
        newer.append(proposal.push("README.md", "newer"))
        publish.publish_note(proposal.project, iid, render([], [], Origin(commit=newer[0])), newer[0])

    monkeypatch.setattr(publish, "sleep", meanwhile)
    trouble(match="^PUT /api/v4/.*/notes", status=500, times=1)
    late = render([], [], Origin(commit=older, job_url="https://ci.example/1"))
    published = publish.publish_note(proposal.project, iid, late, older)
    assert published.superseded_by == newer[0]
    [note] = proposal.notes
    assert f'"commit": "{newer[0]}"' in note


def test_no_secret_gets_into_note_widgets_statuses_artifacts_or_log(
    proposal: Proposal, engine: FakeEngine, double: Double
) -> None:
    proposal.push("Pulumi.dev.yaml", "config: {}\n")
    old, new = {"token": SECRET, "tags": [SECRET, "a"]}, {"token": SECRET, "tags": [SECRET, "b"]}
    diff = {"token": "update-replace", "tags[0]": "update", "tags[1]": "update"}
    events = [step("update", old=old, new=new, diff=diff), step("create", "other", new=new)]
    engine.says("preview", "dev", events=events)
    _, shown = proposal.review()
    [note] = proposal.notes
    assert "token: [secret]" in note
    widgets = {file.name: file.read_text() for file in proposal.out.iterdir() if not file.name.endswith("jsonl")}
    told = "\n".join([shown, note, str(proposal.statuses), *widgets.values()])
    assert "CANARY" not in told
    assert double.bot_token not in told + (proposal.out / "preview-dev.events.jsonl").read_text()
