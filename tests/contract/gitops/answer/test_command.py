"""Answers in discussions, on the double, with an engine that says what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Project, ProjectMergeRequest
from rich.console import Console
from typer.testing import CliRunner

from gitops import cli
from gitops.answer.command import Request, answer
from gitops.answer.thread import Progress, claim, marker, waiting
from gitops.errors import CommandError
from tests.contract.gitlab.support import Double, Git, Person, fresh, make_person
from tests.contract.gitops.fake_engine import FakeEngine, resource
from tests.unit.gitops.review.events import SECRET, error, step, violation

STACKS = ("dev", "preview", "prod")
TESTBED = "urn:pulumi:dev::bighpc::bighpc:testbed:Testbed::testbed"
QUOTA = "urn:pulumi:dev::bighpc::bighpc:testbed:Testbed$kubernetes:core/v1:ResourceQuota::testbed-quota"


@dataclass(frozen=True, kw_only=True)
class World:
    """A merge request that changes `Pulumi.dev.yaml`, people who write on it, and a checkout at its target."""

    merge_request: ProjectMergeRequest
    request: Request
    developer: Person
    reporter: Person

    def ask(self, body: str, person: Person | None = None) -> int:
        """Write a comment; returns its number."""
        who = (person or self.developer).client
        project = who.projects.get(self.merge_request.project_id, lazy=True)
        note = project.mergerequests.get(self.merge_request.iid, lazy=True).notes.create({"body": body})
        return int(note.id)

    def answer(self, **changes: Any) -> str:
        """Run the command; returns what it printed."""
        shown = StringIO()
        answer(replace(self.request, **changes), Console(file=shown, width=300))
        return shown.getvalue()

    def thread(self, note: int) -> dict[str, Any]:
        """The discussion that a note is in."""
        listed = [each.attributes for each in self.merge_request.discussions.list(get_all=True)]
        return next(each for each in listed if any(one["id"] == note for one in each["notes"]))

    def replies(self, note: int) -> list[str]:
        """What was written after a note in its discussion."""
        return [each["body"] for each in self.thread(note)["notes"] if each["id"] != note]


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A project with the branches `dev` and `change`, its people, and a checkout of `dev`."""

    project: Project
    developer: Person
    reporter: Person
    checkout: Path


@pytest.fixture(scope="module")
def repository(double: Double, bot: gitlab.Gitlab, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """For all tests; each has a merge request of its own."""
    root = double.client(double.root_token)
    project = bot.projects.create({"name": fresh("project"), "default_branch": "dev", "visibility": "private"})
    developer, reporter = make_person(double, root), make_person(double, root)
    project.members.create({"user_id": developer.id, "access_level": 30})
    project.members.create({"user_id": reporter.id, "access_level": 20})
    checkout = tmp_path_factory.mktemp("checkout")
    git = Git(checkout)
    git("init", "--quiet", "--initial-branch=dev")
    git("remote", "add", "origin", double.remote(project.path_with_namespace, double.bot_token))
    for stack in STACKS:
        git.commit(f"Pulumi.{stack}.yaml", "config:\n  bighpc:forge: {owner: false}\n")
    git("push", "--quiet", "origin", "dev")
    git("checkout", "--quiet", "-b", "change")
    git.commit("Pulumi.dev.yaml", "config:\n  bighpc:testbed: {}\n  bighpc:forge: {owner: false}\n", "feat: more")
    git("push", "--quiet", "origin", "change")
    git("checkout", "--quiet", "dev")
    return Repository(project=project, developer=developer, reporter=reporter, checkout=checkout)


@pytest.fixture
def project(repository: Repository) -> Project:
    """The project of the module."""
    return repository.project


@pytest.fixture
def world(
    repository: Repository, engine: FakeEngine, connected: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    """Every stack is as it should be."""
    monkeypatch.delenv("CI_JOB_URL", raising=False)
    monkeypatch.delenv("REVIEW_TOKEN", raising=False)
    for stack in STACKS:
        engine.has(stack)
    project = repository.project
    branch = fresh("change")
    project.branches.create({"branch": branch, "ref": "change"})
    made = project.mergerequests.create({"source_branch": branch, "target_branch": "dev", "title": "More"})
    request = Request(
        directory=repository.checkout,
        out=tmp_path / "answers",
        project=project.path_with_namespace,
        number=made.iid,
        limit_s=30,
        hand_over=False,
    )
    return World(merge_request=made, request=request, developer=repository.developer, reporter=repository.reporter)


def test_a_preview_is_answered_once_in_its_discussion(world: World, engine: FakeEngine) -> None:
    engine.says("preview", "dev", events=[step("update", old={"a": 1}, new={"a": 2}, diff={"a": "update"})])
    note = world.ask("/preview")
    assert f"!{world.merge_request.iid}, note {note}: answered" in world.answer()
    [reply] = world.replies(note)
    assert reply.startswith(marker(note, Progress.DONE))
    assert "### ✅ Preview: 1 to update" in reply
    assert "- preview: not affected, because" in reply
    assert f"Describes commit {world.merge_request.sha[:8]}" in reply
    assert world.thread(note)["notes"][0]["resolved"], "what was a comment does not hold up the merge"

    world.developer.client.projects.get(world.merge_request.project_id, lazy=True).mergerequests.get(
        world.merge_request.iid, lazy=True
    ).notes.update(note, {"body": "/preview prod"})
    assert "nobody waits for an answer" in world.answer()
    assert world.replies(note) == [reply]


def test_a_preview_of_one_stack_can_look_at_reality(world: World, engine: FakeEngine) -> None:
    note = world.ask("/preview prod --refresh")
    world.answer()
    [call] = [call for call in engine.calls if call.startswith("preview")]
    assert "--refresh" in call
    assert "--stack=prod" in call
    assert "you named the stacks" in world.replies(note)[0]


def test_what_fails_is_an_answer(world: World, engine: FakeEngine) -> None:
    engine.says("preview", "dev", events=[error("quota.cpu must be positive")], code=255)
    failing, unknown = world.ask("/preview dev"), world.ask("/preview qa")
    world.answer()
    assert "quota.cpu must be positive" in world.replies(failing)[0]
    assert "no such stack: qa" in world.replies(unknown)[0]
    assert "Name stacks that have a file here: dev, preview, prod." in world.replies(unknown)[0]


def test_who_is_no_developer_is_refused_and_nothing_runs(world: World, engine: FakeEngine) -> None:
    note = world.ask("/preview", world.reporter)
    assert ": refused" in world.answer()
    assert "the role Developer or more" in world.replies(note)[0]
    assert engine.calls == []
    assert "nobody waits" in world.answer()


def test_a_mistake_is_answered_with_the_rule(world: World, engine: FakeEngine) -> None:
    note = world.ask("/preview dev prod")
    assert ": misunderstood" in world.answer()
    assert "One stack at a time, not 2. Write `/preview [stack] [--refresh]`" in world.replies(note)[0]
    assert engine.calls == []


def test_all_open_merge_requests_are_looked_at(world: World) -> None:
    note = world.ask("/preview")
    with pytest.raises(CommandError, match="GitLab answered 404"):
        world.answer(number=world.merge_request.iid + 100)
    assert world.replies(note) == []
    assert f"!{world.merge_request.iid}, note {note}: answered" in world.answer(number=None)


def test_a_resource_is_explained(world: World, engine: FakeEngine) -> None:
    quota = {
        **resource("kubernetes:core/v1:ResourceQuota", "testbed-quota", "bighpc-dev/quota", token=SECRET),
        "urn": QUOTA,
        "parent": TESTBED,
        "dependencies": ["urn:pulumi:dev::bighpc::kubernetes:core/v1:Namespace::testbed-namespace"],
    }
    account = {**resource("kubernetes:core/v1:ServiceAccount", "account"), "dependencies": [QUOTA]}
    engine.has("dev", {**resource("bighpc:testbed:Testbed", "testbed"), "urn": TESTBED}, quota, account)
    planned = step(
        "update", old={"cpu": 4, "s": SECRET}, new={"cpu": 5, "s": SECRET}, diff={"cpu": "update", "s": "update"}
    )
    planned["resourcePreEvent"]["metadata"] |= {"urn": QUOTA, "type": "kubernetes:core/v1:ResourceQuota"}
    judged = violation("advisory", "It is generous.")
    judged["policyEvent"]["resourceUrn"] = QUOTA
    engine.says("preview", "dev", events=[planned, judged])
    note = world.ask("/explain testbed-quota")
    world.answer()
    [reply] = world.replies(note)
    assert "#### `testbed-quota` in stack dev" in reply
    assert "| type | `kubernetes:core/v1:ResourceQuota` |" in reply
    assert "| recorded as | `bighpc-dev/quota` |" in reply
    assert "| component | Testbed testbed |" in reply
    assert "| data | `Pulumi.dev.yaml` |" in reply
    assert "| depends on | `testbed-namespace` |" in reply
    assert "| is needed by | `account` |" in reply
    assert "It would be updated, because of:" in reply
    assert "-   cpu: 4\n+   cpu: 5" in reply
    assert "-   s: [secret]" in reply
    assert "- advisory: `gitlab-visibility-limited`: It is generous." in reply
    assert "- mandatory: `kubernetes-resourcequota-complete`:" in reply
    assert "CANARY" not in reply
    assert [call.split()[-1] for call in engine.calls if call.startswith("preview")] != []
    assert not any("--stack=prod" in call for call in engine.calls if call.startswith("preview"))


def test_what_is_not_deployed_yet_is_explained_too(world: World, engine: FakeEngine) -> None:
    engine.says("preview", "prod", events=[step("create", "demo", new={"name": "demo"})])
    note = world.ask("/explain urn:pulumi:prod::bighpc::gitlab:index/project:Project::demo")
    world.answer()
    [reply] = world.replies(note)
    assert "| recorded as | nothing yet |" in reply
    assert "It would be created." in reply
    assert "+   name: demo" in reply


def test_a_name_that_nothing_has_is_told_with_those_that_are_like_it(world: World, engine: FakeEngine) -> None:
    engine.has("dev", resource("kubernetes:core/v1:ResourceQuota", "testbed-quota"))
    engine.says("preview", "prod", events=[error("it is broken")], code=255)
    note = world.ask("/explain testbed-qouta")
    world.answer()
    [reply] = world.replies(note)
    assert "No stack has a resource `testbed-qouta`" in reply
    assert "Names that are like it: `testbed-quota`." in reply
    assert "The preview of prod fails" in reply


def test_a_forged_marker_of_somebody_else_suppresses_nothing(world: World) -> None:
    note = world.ask("/preview")
    discussion = world.merge_request.discussions.get(world.thread(note)["id"])
    theirs = world.reporter.client.projects.get(world.merge_request.project_id, lazy=True)
    theirs.mergerequests.get(world.merge_request.iid, lazy=True).discussions.get(discussion.id, lazy=True).notes.create(
        {"body": f"{marker(note, Progress.DONE)}\nAll is well."}
    )
    assert "answered" in world.answer()


def test_of_two_who_begin_at_once_one_answers(world: World, bot: gitlab.Gitlab) -> None:
    note = world.ask("/preview")
    bot.auth()
    assert bot.user is not None
    me = bot.user.id
    [asked] = waiting(world.merge_request, me, datetime.now(UTC))
    [same] = waiting(world.merge_request, me, datetime.now(UTC))
    assert claim(world.merge_request, asked, me, "I look.") is not None
    assert claim(world.merge_request, same, me, "I look, too.") is None
    assert world.replies(note) == [f"{marker(note, Progress.WORKING)}\nI look."]
    assert "nobody waits" in world.answer(), "somebody works at it"
    [later] = waiting(world.merge_request, me, datetime.now(UTC) + timedelta(hours=2))
    assert later.stale
    assert list(waiting(world.merge_request, me, datetime.now(UTC) + timedelta(days=8))) == []


def test_a_fork_that_moved_on_after_the_question_is_refused(
    double: Double, world: World, project: Project, engine: FakeEngine
) -> None:
    root = double.client(double.root_token)
    shared = root.projects.get(project.id)
    shared.visibility = "public"
    shared.save()
    stranger = make_person(double, root)
    theirs = stranger.client.projects.get(project.id)
    forked = stranger.client.projects.get(theirs.forks.create({"path": fresh("fork")}).id)
    action = {"action": "create", "file_path": "a.txt", "content": "a"}
    forked.commits.create({"branch": "evil", "start_branch": "dev", "commit_message": "a", "actions": [action]})
    asked = {"source_branch": "evil", "target_branch": "dev", "title": "Evil", "target_project_id": project.id}
    made = project.mergerequests.get(forked.mergerequests.create(asked).iid)
    fork = replace(world, merge_request=made)
    first = fork.ask("/preview dev")
    action = {"action": "create", "file_path": "b.txt", "content": "b"}
    forked.commits.create({"branch": "evil", "commit_message": "b", "actions": [action]})
    assert ": refused" in fork.answer(number=made.iid)
    assert "has got commits since you asked" in fork.replies(first)[0]
    assert engine.calls == []
    second = fork.ask("/preview dev")
    assert ": answered" in fork.answer(number=made.iid)
    assert "nothing would change" in fork.replies(second)[0]


CI = """
look:
  rules: [{if: $CI_PIPELINE_SOURCE == "merge_request_event"}]
  script: [bighpc answer]
"""


def test_where_protected_variables_are_the_merge_requests_own_pipeline_answers(
    world: World, project: Project, engine: FakeEngine
) -> None:
    note = world.ask("/preview dev")
    assert "No pipeline of this merge request can be started" in _only(
        world, note, lambda: world.answer(hand_over=True)
    )
    assert engine.calls == []

    action = {"action": "create", "file_path": ".gitlab-ci.yml", "content": CI}
    project.commits.create(
        {"branch": world.merge_request.source_branch, "commit_message": "ci: look", "actions": [action]}
    )
    note, other = world.ask("/preview dev"), world.ask("/explain demo")
    before = {each.id for each in world.merge_request.pipelines.list(get_all=True)}
    reply = _only(world, note, lambda: world.answer(hand_over=True))
    assert reply.startswith(marker(note, Progress.HANDED_OVER))
    started = {each.id for each in world.merge_request.pipelines.list(get_all=True)} - before
    assert len(started) == 1, "one for both questions"
    assert world.replies(other)[0].startswith(marker(other, Progress.HANDED_OVER))
    assert engine.calls == []
    assert "nobody waits" in world.answer(hand_over=True), "it is not started twice"

    reply = _only(
        world, note, lambda: replace(world, merge_request=project.mergerequests.get(world.merge_request.iid)).answer()
    )
    assert "nothing would change" in reply


def _only(world: World, note: int, act: Callable[[], str]) -> str:
    """The one reply after something was done."""
    act()
    [reply] = world.replies(note)
    return reply


def test_the_command_line_takes_what_a_pipeline_knows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    note = world.ask("/preview prod")
    monkeypatch.chdir(world.request.directory)
    monkeypatch.setenv("CI_PROJECT_ID", str(world.merge_request.project_id))
    monkeypatch.setenv("CI_MERGE_REQUEST_IID", str(world.merge_request.iid))
    monkeypatch.setenv("CI_COMMIT_REF_PROTECTED", "true")
    result = CliRunner().invoke(cli.build_app([]), ["answer", "--out", str(world.request.out)])
    assert result.exit_code == 0, result.output
    assert "nothing would change" in world.replies(note)[0]
