"""The whole command, with an engine that says what it is told."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from gitlab.v4.objects import Project, ProjectIssue
from rich.console import Console
from typer.testing import CliRunner

from gitops import cli
from gitops.drift.command import Request, drift, exit_code
from gitops.drift.finding import StackDrift
from gitops.errors import CommandError
from tests.contract.gitops.fake_engine import FakeEngine, resource
from tests.unit.gitops.review.events import SECRET, error, step

STACKS = ("dev", "preview", "prod")


@pytest.fixture
def request_(checkout: Path, engine: FakeEngine) -> Request:
    """A look at all stacks; every stack is as it should be."""
    for stack in STACKS:
        engine.has(stack)
    return Request(directory=checkout, out=checkout / "drift", stacks=(), limit_s=30, propose=False, project=None)


def run(request: Request) -> tuple[list[StackDrift], str]:
    """What was found, and what was printed."""
    shown = StringIO()
    found = drift(request, Console(file=shown, width=200))
    return found, shown.getvalue()


def test_stacks_that_are_as_they_should_be_have_no_drift(request_: Request, engine: FakeEngine) -> None:
    found, shown = run(request_)
    assert [each.stack for each in found] == list(STACKS)
    assert exit_code(found) == 0
    assert [line.partition(" (")[0] for line in shown.splitlines()] == [f"{stack}: no drift" for stack in STACKS]
    assert all(call.startswith(("stack export", "preview --diff", "refresh --preview-only")) for call in engine.calls)


def test_the_comparisons_are_told_apart(request_: Request, engine: FakeEngine) -> None:
    planned = step("update", "quota", old={"cpu": 4}, new={"cpu": 5}, diff={"cpu": "update"})
    engine.says("preview", "dev", events=[planned, step("same", "kept", old={}, new={})])
    changed = step("update", "label", old={"color": "red"}, new={"color": "blue"}, diff={"color": "update-replace"})
    refreshed = {"resOutputsEvent": changed["resourcePreEvent"]}
    gone = {"resOutputsEvent": step("delete", "hook", old={"url": "https://x"})["resourcePreEvent"]}
    events = [step("refresh", name, old={}, new={}) for name in ("label", "hook", "quota")]
    engine.says("refresh", "dev", events=[*events, refreshed, gone])

    found, shown = run(replace(request_, stacks=("dev",)))
    assert exit_code(found) == 7
    [dev] = found
    assert [(each.cause.name, each.name) for each in dev.findings] == [
        ("NOT_DEPLOYED", "quota"),
        ("CHANGED", "label"),
        ("DELETED", "hook"),
    ]
    assert "-   color: red" in shown
    assert "+   color: blue" in shown
    assert "replaces it" not in shown
    written = json.loads((request_.out / "drift.json").read_text())
    assert [each["cause"] for each in written[0]["findings"]] == ["not_deployed", "changed", "deleted"]
    assert "#### 1 changed by hand" in (request_.out / "drift.md").read_text()


def test_what_cannot_be_told_is_no_proof_of_anything(request_: Request, engine: FakeEngine) -> None:
    engine.says("refresh", "dev", events=[error("the stack is currently locked by 1 lock(s)")], code=255)
    engine.says("preview", "preview", events=[step("create", new={})])
    found, shown = run(request_)
    assert exit_code(found) == 1
    assert "dev: could not be told" in shown
    assert "refresh: the stack is currently locked" in shown
    assert "preview: 1 object drifted" in shown
    assert exit_code([each for each in found if each.stack == "preview"]) == 7


def test_without_every_stacks_state_nothing_is_called_undeclared(
    request_: Request, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gitops.drift.command.forge.look", lambda *_: pytest.fail("looked"))
    engine.has("prod", resource("gitlab:index/group:Group", "forge", "1", stack="prod"))
    engine.says("stack-export", "dev", err="error: incorrect passphrase", code=255)
    found, _ = run(replace(request_, stacks=("prod",)))
    assert exit_code(found) == 1
    assert "the state of stack dev cannot be read: error: incorrect passphrase" in found[0].errors[0]


def test_an_engine_that_hangs_is_ended(request_: Request, engine: FakeEngine) -> None:
    engine.says("preview", "dev", seconds=60)
    found, _ = run(replace(request_, stacks=("dev",), limit_s=0.3))
    assert found[0].errors[0] == "preview: the preview did not end within 0 s"


def test_a_secret_is_nowhere(request_: Request, engine: FakeEngine) -> None:
    rotated = step("update", "token", old={"token": SECRET}, new={"token": SECRET}, diff={"token": "update"})
    engine.says("refresh", "dev", events=[{"resOutputsEvent": rotated["resourcePreEvent"]}])
    engine.has("preview", resource("gitlab:index/projectVariable:ProjectVariable", "v", "1:K:*", value=SECRET))
    _, shown = run(request_)
    written = "".join((request_.out / name).read_text() for name in ("drift.json", "drift.md"))
    assert "[secret]" in shown
    assert "CANARY" not in shown + written


def test_a_stack_that_does_not_exist_could_not_be_told(request_: Request, engine: FakeEngine) -> None:
    engine.says("stack-export", "dev", err="error: no stack named 'dev' found", code=6)
    engine.says("preview", "dev", err="error: no stack named 'dev' found", code=6)
    found, _ = run(request_)
    assert exit_code(found) == 1
    assert "no stack named 'dev' found" in found[0].errors[0]


def test_proposals_are_commands_and_nothing_runs_them(request_: Request, engine: FakeEngine) -> None:
    gone = step("delete", "hook", old={"url": "https://x"})["resourcePreEvent"]
    engine.says("refresh", "prod", events=[{"resOutputsEvent": gone}])
    _, shown = run(replace(request_, propose=True))
    assert "bring it back: pulumi up --stack prod --refresh --target urn:pulumi:prod::bighpc::" in shown
    assert not any(call.startswith(("up", "refresh --stack")) for call in engine.calls)


def test_an_unknown_stack_is_named(request_: Request) -> None:
    with pytest.raises(CommandError, match="no such stack: qa"):
        drift(replace(request_, stacks=("qa",)), Console(file=StringIO()))


def test_a_forge_without_a_connection_could_not_be_told(
    request_: Request, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITLAB_TOKEN", raising=False)
    engine.has("prod", resource("gitlab:index/group:Group", "forge", "1", stack="prod"))
    found, _ = run(replace(request_, stacks=("prod",)))
    assert "GITLAB_TOKEN" in found[0].errors[0]
    assert exit_code(found) == 1


@pytest.mark.usefixtures("connected")
def test_each_stack_with_drift_has_its_issue(request_: Request, engine: FakeEngine, project: Project) -> None:
    engine.says("preview", "dev", events=[step("create", new={})])
    asked = replace(request_, project=project.path_with_namespace)
    _, shown = run(asked)
    [issue] = project.issues.list(get_all=True)
    assert isinstance(issue, ProjectIssue)
    assert f"dev: opened {issue.web_url}" in shown
    engine.says("preview", "dev")
    run(asked)
    assert project.issues.get(issue.iid).state == "closed"


@pytest.mark.usefixtures("request_")
def test_the_command_prints_json_and_ends_with_the_exit_code(
    checkout: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    engine.says("preview", "dev", events=[step("create", new={})])
    result = CliRunner().invoke(cli.build_app([]), ["drift", "--stack", "dev", "--json"])
    assert result.exit_code == 7
    assert json.loads(result.stdout)[0]["findings"][0]["name"] == "demo"
    assert CliRunner().invoke(cli.build_app([]), ["drift", "--stack", "prod"]).exit_code == 0


def test_an_issue_needs_a_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI_PROJECT_ID", raising=False)
    result = CliRunner().invoke(cli.build_app([]), ["drift", "--issue"])
    assert isinstance(result.exception, CommandError)
    assert "--project" in result.exception.reason
