"""``bighpc release`` with a real repository in the GitLab double, a fake engine and a fake operator."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from gitlab.v4.objects import Project
from lightkube import Client
from rich.console import Console

from gitops.connection import Connection
from gitops.errors import CommandError
from gitops.release import command, follow, stack_object
from gitops.release.command import Request, release
from gitops.release.gate import Gate
from gitops.release.outcome import Outcome
from gitops.release.pipeline import Pipeline
from tests.contract.gitlab.support import Double
from tests.contract.gitops.fake_engine import FakeEngine
from tests.integration.clone import git
from tests.unit.gitops.release.fake_operator import FakeOperator


@dataclass(frozen=True)
class World:
    """A platform repository with two commits of ours on `dev`, its checkout, and the operator of dev."""

    project: Project
    connection: Connection
    operator: FakeOperator
    request: Request
    commits: list[str]

    def release(self, **changes: Any) -> Outcome:
        """Run the command."""
        return release(replace(self.request, **changes), self.connection, Console(file=io.StringIO()))

    def commit(self, text: str, branch: str = "dev") -> str:
        """Commit and push; the checkout stays on `dev`."""
        return _commit(self.request.directory, text, branch)

    def deployments(self) -> list[tuple[str, str]]:
        """What GitLab has on record."""
        listed = self.project.deployments.list(get_all=True, environment="dev")
        return [(each.sha, each.status) for each in listed]


@pytest.fixture
def world(
    project: Project, double: Double, engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> World:
    monkeypatch.setattr(follow, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(stack_object, "_PAUSE_S", 0.01)
    operator = FakeOperator()

    @contextmanager
    def connect(_: dict[str, str]) -> Iterator[Client]:
        with operator.client() as client:
            yield client

    monkeypatch.setattr(command, "connect", connect)
    engine.has("dev")
    url = f"{double.url}/{project.path_with_namespace}.git".replace("://", f"://oauth2:{double.bot_token}@")
    git(tmp_path, "clone", "--quiet", "--branch=dev", url, "clone")
    request = Request(
        environment="dev",
        commit=None,
        project=str(project.id),
        context=None,
        namespace="pulumi-operator",
        pipeline=None,
        directory=tmp_path / "clone",
        out=tmp_path / "out",
        limit_s=20,
    )
    commits = [_commit(request.directory, text, "dev") for text in ("first", "second")]
    return World(project, Connection(url=double.url, token=double.bot_token), operator, request, commits)


def _commit(clone: Path, text: str, branch: str) -> str:
    git(clone, "checkout", "--quiet", "-B", branch)
    (clone / "Pulumi.dev.yaml").write_text(f"config:\n  bighpc:forge:\n    owner: false\n# {text}\n")
    git(clone, "add", "Pulumi.dev.yaml")
    git(clone, "commit", "--quiet", f"--message={text}")
    git(clone, "push", "--quiet", "--push-option=ci.skip", "origin", f"HEAD:refs/heads/{branch}")
    made = git(clone, "rev-parse", "HEAD")
    git(clone, "checkout", "--quiet", "dev")
    return made


def test_the_head_of_the_branch_passes_its_gate_here_and_is_deployed(world: World, engine: FakeEngine) -> None:
    head = world.commits[-1]
    world.operator.steps = [{}, {}, world.operator.ready(head)]
    assert world.release() is Outcome.RELEASED
    assert any("--policy-pack=policies" in call for call in engine.calls), "the gate ran"
    assert world.operator.applied == [{"commit": head}]
    assert world.deployments() == [(head, "success")]


def test_a_commit_that_does_not_pass_the_gate_stays_where_it_is(world: World, engine: FakeEngine) -> None:
    engine.says("preview", "dev", err="error: no such quota", code=255)
    with pytest.raises(CommandError, match="does not pass the gate"):
        world.release()
    assert world.operator.applied == []
    assert world.deployments() == []


def test_a_failure_is_recorded_as_one(world: World) -> None:
    head = world.commits[-1]
    world.operator.steps = [{}, {}, world.operator.failed(head, "no quota left")]
    assert world.release() is Outcome.FAILED
    assert world.deployments() == [(head, "failed")]


def test_a_commit_that_runs_already_needs_no_gate_and_no_deployment(world: World, engine: FakeEngine) -> None:
    world.operator.commit = world.commits[-1]
    world.operator.status = world.operator.ready(world.commits[-1])
    assert world.release() is Outcome.RELEASED
    assert (engine.calls, world.operator.applied, world.deployments()) == ([], [], [])


def test_an_older_commit_never_moves_an_environment_back(world: World, engine: FakeEngine) -> None:
    world.operator.commit = world.commits[1]
    assert world.release(commit=world.commits[0]) is Outcome.OUTDATED
    assert (engine.calls, world.operator.applied) == ([], [])


def test_a_revert_is_a_newer_commit(world: World) -> None:
    world.operator.commit = world.commits[1]
    revert = world.commit("first")
    world.operator.steps = [{}, {}, world.operator.ready(revert)]
    assert world.release(commit=revert) is Outcome.RELEASED


def test_what_is_not_on_the_branch_any_more_holds_nobody_up(world: World) -> None:
    world.operator.commit = world.commit("elsewhere", branch="beside")
    world.operator.steps = [{}, {}, world.operator.ready(world.commits[1])]
    assert world.release() is Outcome.RELEASED


def test_a_commit_that_is_not_on_the_environments_branch_is_refused(world: World, engine: FakeEngine) -> None:
    beside = world.commit("elsewhere", branch="beside")
    with pytest.raises(CommandError, match="is not on branch dev") as refused:
        world.release(commit=beside)
    assert "Merge it into dev" in refused.value.remedy
    assert (engine.calls, world.operator.applied) == ([], [])


def test_a_commit_that_gitlab_does_not_have_is_refused(world: World) -> None:
    with pytest.raises(CommandError, match="has no commit"):
        world.release(commit="f" * 40)


def test_an_environment_without_a_branch_is_refused(world: World) -> None:
    with pytest.raises(CommandError, match="has no branch nowhere"):
        world.release(environment="nowhere")


def test_where_no_job_is_the_gate_a_checkout_with_the_commit_is_needed(world: World, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no checkout here that has it"):
        world.release(directory=tmp_path)


def test_a_job_that_deploys_leaves_the_record_to_gitlab(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gate, "check", lambda *_: None)
    world.operator.steps = [{}, {}, world.operator.ready(world.commits[-1])]
    pipeline = Pipeline(id=1, commit=world.commits[-1], environment="dev")
    assert world.release(pipeline=pipeline) is Outcome.RELEASED
    assert world.deployments() == []


def test_the_gate_of_a_pipeline_that_gitlab_does_not_show_is_not_taken_for_passed(world: World) -> None:
    with pytest.raises(CommandError, match="GitLab answered 404"):
        world.release(pipeline=Pipeline(id=10**6, commit=world.commits[-1], environment="dev"))
