"""Keeping what was changed by hand: the merge request, on the double, with an engine that says what it is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Project, ProjectMergeRequest
from rich.console import Console

from gitops.drift.command import Request, drift, exit_code
from tests.contract.gitlab.support import Double, Git, fresh
from tests.contract.gitops.fake_engine import FakeEngine, resource
from tests.unit.gitops.review.events import SECRET, step, violation

TESTBED = "urn:pulumi:dev::bighpc::bighpc:testbed:Testbed::testbed"
KIND = "example:index:Quota"
QUOTA = f"urn:pulumi:dev::bighpc::bighpc:testbed:Testbed${KIND}::testbed-quota"
SETTINGS = """\
# The development environment is small.
config:
  bighpc:testbed:
    quota: {cpu: 4, memory: "8Gi"}  # two nodes
"""


@dataclass(frozen=True, kw_only=True)
class World:
    """A checkout of a project whose stack `dev` has a quota, and the engine."""

    request: Request
    project: Project
    git: Git
    engine: FakeEngine

    def differs(self, key: str, old: Any, new: Any) -> None:
        """Tell that one of the quota's limits was changed by hand."""
        self.engine.says("refresh", "dev", events=[{"resOutputsEvent": _changed(key, old, new)}])

    def fix(self, **changes: Any) -> tuple[int, str]:
        """Run the command: exit code, and what was printed."""
        shown = StringIO()
        found = drift(replace(self.request, **changes), Console(file=shown, width=400))
        return exit_code(found), shown.getvalue()

    @property
    def merge_requests(self) -> list[ProjectMergeRequest]:
        """All of them."""
        return [each for each in self.project.mergerequests.list(get_all=True) if isinstance(each, ProjectMergeRequest)]


def _changed(key: str, old: Any, new: Any) -> dict[str, Any]:
    """What the engine says of one of the quota's limits."""
    before, after = ({"spec": {"hard": {key: value}}} for value in (old, new))
    planned = step("update", old=before, new=after, diff={f'spec.hard["{key}"]': "update"})
    found: dict[str, Any] = planned["resourcePreEvent"]
    found["metadata"] |= {"urn": QUOTA, "type": KIND}
    return found


@pytest.fixture
def world(
    double: Double,
    bot: gitlab.Gitlab,
    engine: FakeEngine,
    connected: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> World:
    """Nothing drifted yet."""
    monkeypatch.delenv("REVIEW_TOKEN", raising=False)
    project = bot.projects.create({"name": fresh("project"), "default_branch": "dev"})
    directory = tmp_path / "checkout"
    directory.mkdir()
    git = Git(directory)
    git("init", "--quiet", "--initial-branch=dev")
    git.commit("Pulumi.dev.yaml", SETTINGS)
    git("push", "--quiet", double.remote(project.path_with_namespace, double.bot_token), "dev")
    quota = {**resource(KIND, "testbed-quota", "bighpc-dev/quota"), "urn": QUOTA, "parent": TESTBED}
    engine.has("dev", {**resource("bighpc:testbed:Testbed", "testbed"), "urn": TESTBED}, quota)
    request = Request(
        directory=directory,
        out=tmp_path / "drift",
        stacks=(),
        limit_s=30,
        propose=True,
        project=None,
        repository=project.path_with_namespace,
    )
    return World(request=request, project=project, git=git, engine=engine)


def test_a_value_of_the_data_is_kept_by_one_merge_request(world: World) -> None:
    world.differs("requests.cpu", "4", "6")
    _, shown = world.fix()
    [made] = world.merge_requests
    assert (made.source_branch, made.target_branch, made.state) == ("drift/dev", "dev", "opened")
    assert f"or keep it: merge {made.web_url}: config.bighpc:testbed.quota.cpu = 6 in Pulumi.dev.yaml, then" in shown
    assert "| `Pulumi.dev.yaml` | `config.bighpc:testbed.quota.cpu` | `4` | `6` |" in made.description
    kept = world.project.files.get("Pulumi.dev.yaml", ref="drift/dev").decode().decode()
    assert kept == SETTINGS.replace("cpu: 4", "cpu: 6"), "comments and quotes stay"
    verified = [call for call in world.engine.calls if "--refresh" in call]
    assert len(verified) == 1
    assert "--policy-pack=policies" in verified[0]
    assert world.git("status", "--porcelain", "--untracked-files=no") == "", "the checkout is not touched"
    assert not any(call.startswith(("up", "refresh --stack")) for call in world.engine.calls)


def test_the_merge_request_follows_the_drift(world: World) -> None:
    world.differs("cpu", "4", "6")
    world.fix()
    [made] = world.merge_requests
    world.fix()
    [same] = world.merge_requests
    assert same.sha == made.sha, "the same drift is proposed once"
    world.differs("memory", "8Gi", "9Gi")
    world.fix()
    [other] = world.merge_requests
    assert other.iid == made.iid
    kept = world.project.files.get("Pulumi.dev.yaml", ref="drift/dev").decode().decode()
    assert 'quota: {cpu: 4, memory: "9Gi"}' in kept
    world.engine.says("refresh", "dev")
    world.engine.has("dev")
    assert world.fix()[0] == 0
    assert [each.state for each in world.merge_requests] == ["closed"]


def test_without_a_project_the_change_is_said(world: World) -> None:
    world.differs("cpu", "4", "6")
    _, shown = world.fix(repository=None)
    assert "or keep it: set config.bighpc:testbed.quota.cpu = 6 in Pulumi.dev.yaml, then pulumi refresh" in shown
    assert world.merge_requests == []


@pytest.mark.parametrize(
    ("key", "old", "new", "why"),
    [
        ("pods", "50", "60", 'spec.hard["pods"] is "50" in none of Pulumi.dev.yaml'),
        ("cpu", "7", "8", 'spec.hard["cpu"] is "7" in none of Pulumi.dev.yaml'),
        ("scopes", ["a"], ["b"], 'spec.hard["scopes"] is no single value'),
        ("token", SECRET, SECRET, 'spec.hard["token"] is a secret'),
    ],
)
def test_what_no_value_of_the_data_says_is_left_to_people(world: World, key: str, old: Any, new: Any, why: str) -> None:
    world.differs(key, old, new)
    _, shown = world.fix()
    assert f"write the new value yourself (no merge request: {why})" in shown
    assert world.merge_requests == []
    assert "CANARY" not in shown


def test_a_value_that_says_more_than_what_was_changed_is_not_proposed(world: World) -> None:
    world.differs("requests.cpu", "4", "6")
    world.engine.says("preview", "dev", events=[{"resourcePreEvent": _changed("limits.cpu", "4", "6")}])
    _, shown = world.fix()
    assert 'the value in the data also says something else of it: spec.hard["limits.cpu"])' in shown
    assert world.merge_requests == []


def test_what_a_policy_forbids_is_not_proposed(world: World) -> None:
    world.differs("cpu", "4", "6")
    judged = violation()
    judged["policyEvent"]["resourceUrn"] = QUOTA
    world.engine.says("preview", "dev", events=[judged])
    _, shown = world.fix()
    assert "no merge request: the policy gitlab-visibility-limited forbids it" in shown
    assert world.merge_requests == []


def test_what_is_not_committed_is_not_proposed(world: World) -> None:
    world.differs("cpu", "4", "6")
    mine = SETTINGS + "encryptionsalt: v1:abc\n"
    (world.git.directory / "Pulumi.dev.yaml").write_text(mine)
    world.fix()
    kept = world.project.files.get("Pulumi.dev.yaml", ref="drift/dev").decode().decode()
    assert kept == SETTINGS.replace("cpu: 4", "cpu: 6")
    assert (world.git.directory / "Pulumi.dev.yaml").read_text() == mine


def test_outside_of_a_repository_nothing_is_tried(world: World, tmp_path: Path) -> None:
    world.differs("cpu", "4", "6")
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "Pulumi.dev.yaml").write_text(SETTINGS)
    _, shown = world.fix(directory=tmp_path / "copy")
    assert "no merge request: it cannot be tried: git worktree failed: fatal: not a git repository" in shown


def test_a_record_that_alone_is_out_of_date_is_refreshed(world: World) -> None:
    world.engine.says("preview", "dev", events=[{"resourcePreEvent": _changed("cpu", "4", "6")}])
    world.differs("cpu", "4", "6")
    _, shown = world.fix()
    assert f"program and reality agree, record it: pulumi refresh --stack dev --target '{QUOTA}'" in shown
    assert "undo the change" not in shown
    assert world.merge_requests == []


def test_a_refusal_of_gitlab_changes_no_verdict(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.differs("cpu", "4", "6")
    expected, _ = world.fix(repository=None)
    monkeypatch.setenv("GITLAB_TOKEN", "glpat-nobody-knows-it")
    code, shown = world.fix()
    assert code == expected
    assert "dev: nothing could be proposed:" in shown
    assert "set config.bighpc:testbed.quota.cpu = 6 in Pulumi.dev.yaml" in shown
