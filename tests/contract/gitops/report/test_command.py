"""The page that says what runs where, with an engine that says what it is told and a GitLab double."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from gitlab.v4.objects import Project
from rich.console import Console

from gitops.errors import CommandError
from gitops.report.command import Request, report
from tests.contract.gitops.fake_engine import FakeEngine

COMMIT = "0123456789abcdef0123456789abcdef01234567"
STACKS = ("dev", "preview", "prod")


@pytest.fixture
def request_(checkout: Path, engine: FakeEngine) -> Request:
    """Stacks of which only `dev` was ever brought up."""
    last = {"result": "succeeded", "endTime": "2026-11-25T02:17:00.000Z", "environment": {"git.head": COMMIT}}
    for stack in STACKS:
        engine.says("stack-history", stack, out=json.dumps([last] if stack == "dev" else []))
        told = {"gitlab": "https://gitlab.example/bighpc", "files": "[secret]"} if stack == "dev" else {}
        engine.says("stack-output", stack, out=json.dumps(told))
    return Request(directory=checkout, out=checkout / "report", project=None, drift=None, audit=None)


def page(request: Request) -> list[str]:
    """The lines of the page."""
    return report(request, Console(file=StringIO())).read_text().splitlines()


def test_each_stack_is_a_line_and_what_was_not_looked_at_is_said(request_: Request) -> None:
    lines = page(request_)
    assert "| dev | succeeded `01234567` 2026-11-25T02:17:00.000Z | none | not looked at | not looked at |" in lines
    assert "| prod | never | none | not looked at | not looked at |" in lines
    assert "| `gitlab` | https://gitlab.example/bighpc |" in lines
    assert "| `files` | [secret] |" in lines


def test_what_drift_and_audit_wrote_is_told_in_a_few_words(request_: Request, checkout: Path) -> None:
    for stack, findings, errors in (("dev", [{}, {}], []), ("preview", [], []), ("prod", [], ["no cluster"])):
        (checkout / "drift" / stack).mkdir(parents=True)
        written = [{"stack": stack, "findings": findings, "errors": errors, "seconds": 1}]
        (checkout / "drift" / stack / "drift.json").write_text(json.dumps(written))
    (checkout / "audit").mkdir()
    (checkout / "audit/dev.log").write_text("- [advisory]  a\n- [mandatory]  b\n- [advisory]  c\n")
    (checkout / "audit/preview.log").write_text("nothing\n")
    request = Request(
        directory=checkout, out=request_.out, project=None, drift=checkout / "drift", audit=checkout / "audit"
    )
    told = {line.split(" | ")[0][2:]: line.split(" | ")[3:] for line in page(request) if line.startswith("| ")}
    assert told["dev"] == ["2 found", "1 mandatory, 2 advisory |"]
    assert told["preview"] == ["none", "none violated |"]
    assert told["prod"] == ["could not be told", "not looked at |"]


@pytest.mark.usefixtures("connected")
def test_the_last_deployment_is_the_one_that_gitlab_calls_successful(
    request_: Request, checkout: Path, project: Project
) -> None:
    head = project.branches.get("dev").commit["id"]
    for status in ("success", "failed"):
        asked = {"environment": "dev", "sha": head, "ref": "dev", "tag": False, "status": status}
        project.deployments.create(asked)
    request = Request(directory=checkout, out=request_.out, project=str(project.id), drift=None, audit=None)
    [line] = [line for line in page(request) if line.startswith("| dev ")]
    assert f"| `{head[:8]}` 20" in line


def test_an_engine_that_cannot_tell_is_an_error_with_its_words(request_: Request, engine: FakeEngine) -> None:
    engine.says("stack-history", "prod", err="error: no such bucket", code=255)
    with pytest.raises(CommandError, match=r"pulumi stack history of prod failed: error: no such bucket"):
        page(request_)
