"""Promotions on the double."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import gitlab
import pytest
from gitlab.v4.objects import Group, Project, ProjectMergeRequest
from rich.console import Console
from typer.testing import CliRunner

from gitops import cli
from gitops.connection import Connection
from gitops.errors import CommandError
from gitops.promote import command
from gitops.promote.command import Request, promote
from gitops.promote.evidence import Delivery
from tests.contract.gitlab.support import Double
from tests.contract.gitops.fake_engine import FakeEngine
from tests.unit.gitops.review.events import step

Promote = Callable[[Request], tuple[str | None, str]]


@pytest.fixture
def connection(double: Double) -> Connection:
    """To the double, as the bot."""
    return Connection(url=double.url, token=double.bot_token)


@pytest.fixture
def request_(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Request:
    """From `dev` to `preview`, which both exist; no cluster can be asked."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    project.branches.create({"branch": "preview", "ref": "dev"})
    return Request(
        source="dev",
        target="preview",
        project=project.path_with_namespace,
        directory=tmp_path,
        out=tmp_path / "promotion",
        limit_s=30,
    )


@pytest.fixture
def run(connection: Connection) -> Promote:
    """Runs the command: the merge request's address and what was printed."""

    def run_it(request: Request) -> tuple[str | None, str]:
        shown = StringIO()
        return promote(request, connection, Console(file=shown, width=200)), shown.getvalue()

    return run_it


def commit(project: Project, path: str = "settings.yaml", title: str = "feat: more") -> str:
    """A commit on `dev`."""
    action = {"action": "create", "file_path": path, "content": path}
    made = project.commits.create({"branch": "dev", "commit_message": title, "actions": [action]})
    return str(made.id)


def deploy(project: Project, sha: str, status: str = "success", environment: str = "dev") -> None:
    """Record a deployment."""
    asked = {"environment": environment, "sha": sha, "ref": "dev", "tag": False, "status": status}
    project.deployments.create(asked)


def requests(project: Project) -> list[ProjectMergeRequest]:
    """All merge requests."""
    return [each for each in project.mergerequests.list(get_all=True) if isinstance(each, ProjectMergeRequest)]


def test_the_merge_request_has_the_evidence(project: Project, request_: Request, run: Promote) -> None:
    sha = commit(project, title="feat: more for @everyone `now`")
    deploy(project, sha)
    status = {"state": "success", "name": "pulumi/dev", "description": "1 to update", "target_url": "https://ci/1"}
    project.commits.get(sha, lazy=True).statuses.create(status)
    url, shown = run(request_)
    [made] = requests(project)
    assert (made.web_url, made.title) == (url, "Promote dev to preview")
    assert (made.source_branch, made.target_branch) == ("dev", "preview")
    assert f"opened: {url}" in shown
    assert made.description.startswith(f'<!-- bighpc:promotion {{"commit": "{sha}"}} -->')
    assert "Brings what runs in **dev** to **preview**: 1 commit, 1 file." in made.description
    assert "| previewed | [pulumi/dev](https://ci/1) | ✅ success: 1 to update |" in made.description
    assert "| deployed | deployment 1 to dev | ✅ success |" in made.description
    assert "- `settings.yaml`" in made.description
    assert f"- {sha[:8]} `feat: more for @everyone 'now'`" in made.description
    assert "was not previewed" in made.description


def test_a_second_run_updates_the_open_merge_request(project: Project, request_: Request, run: Promote) -> None:
    deploy(project, commit(project))
    first, _ = run(request_)
    assert run(request_) == (first, f"up to date already: {first}\n")
    later = commit(project, "other.yaml")
    deploy(project, later)
    assert run(request_) == (first, f"updated: {first}\n")
    [made] = requests(project)
    assert later in made.description
    assert "2 commits, 2 files" in made.description


def test_nothing_to_promote_is_said(project: Project, request_: Request, run: Promote) -> None:
    assert run(request_) == (None, "nothing to promote: preview has everything that dev has\n")
    assert requests(project) == []


@pytest.mark.parametrize("status", ["failed", "running", None])
def test_what_never_ran_in_the_source_is_refused(
    project: Project, request_: Request, run: Promote, status: str | None
) -> None:
    before = commit(project)
    deploy(project, before)
    sha = commit(project, "other.yaml")
    deploy(project, sha, environment="preview")
    if status:
        deploy(project, sha, status)
    with pytest.raises(CommandError, match="never ran in dev") as caught:
        run(request_)
    assert sha[:8] in caught.value.reason
    assert f"the last deployment is of {before[:8]}" in caught.value.reason
    assert "Argo CD could not be asked" in caught.value.reason
    assert "promote again" in caught.value.remedy
    assert requests(project) == []


@pytest.mark.parametrize(
    ("sync", "health", "current", "refused"),
    [
        ("Synced", "Healthy", True, False),
        ("OutOfSync", "Healthy", True, True),
        ("Synced", "Degraded", True, True),
        ("Synced", "Healthy", False, True),
    ],
)
def test_what_argo_cd_delivered_ran_if_every_application_is_well(
    project: Project,
    request_: Request,
    run: Promote,
    monkeypatch: pytest.MonkeyPatch,
    sync: str,
    health: str,
    current: bool,
    refused: bool,
) -> None:
    sha = commit(project)
    well = Delivery(application="hello-dev", revision=sha, sync="Synced", health="Healthy")
    other = Delivery(application="other-dev", revision=sha if current else "0" * 40, sync=sync, health=health)
    monkeypatch.setattr(command, "_delivered", lambda *_: ([well, other], ""))
    if refused:
        with pytest.raises(CommandError, match=f"other-dev is {sync} and {health} at"):
            run(request_)
    else:
        run(request_)
        assert (
            f"| deployed | application `other-dev` | ✅ Synced, Healthy at {sha[:8]} |"
            in requests(project)[0].description
        )


def test_the_preview_of_the_merge_request_that_brought_the_commit_counts(
    project: Project, request_: Request, run: Promote
) -> None:
    action = {"action": "create", "file_path": "x", "content": "x"}
    asked = {"branch": "change", "start_branch": "dev", "commit_message": "feat: x", "actions": [action]}
    head = project.commits.create(asked).id
    project.commits.get(head, lazy=True).statuses.create({"state": "success", "name": "pulumi/dev"})
    change = {"source_branch": "change", "target_branch": "dev", "title": "feat: x", "squash": True}
    merged = project.mergerequests.create(change)
    merged.merge(squash=True)
    sha = project.branches.get("dev").commit["id"]
    assert sha != head
    deploy(project, sha)
    run(request_)
    [made] = [each for each in requests(project) if each.state == "opened"]
    assert "| previewed | pulumi/dev | ✅ success |" in made.description


def test_what_failed_after_it_was_deployed_is_refused(project: Project, request_: Request, run: Promote) -> None:
    sha = commit(project)
    deploy(project, sha)
    # GitLab makes a pipeline for the status of a tool outside.
    project.commits.get(sha, lazy=True).statuses.create({"state": "failed", "name": "smoke test"})
    with pytest.raises(CommandError, match=f"the pipeline of {sha[:8]} failed: http") as caught:
        run(request_)
    assert "Mend it on dev" in caught.value.remedy


def test_a_step_over_an_environment_is_refused(request_: Request, run: Promote) -> None:
    for source, target in (("dev", "prod"), ("preview", "dev"), ("qa", "prod"), ("prod", "dev")):
        with pytest.raises(CommandError, match=f"{source} is not promoted to {target}") as caught:
            run(replace(request_, source=source, target=target))
        assert "dev preview, preview prod" in caught.value.remedy


def test_a_repository_without_the_branch_is_refused(project: Project, request_: Request, run: Promote) -> None:
    project.branches.create({"branch": "elsewhere", "ref": "dev"})
    with pytest.raises(CommandError, match="has no branch prod"):
        run(replace(request_, source="preview", target="prod"))


def test_a_project_that_is_not_there_is_told(request_: Request, run: Promote) -> None:
    with pytest.raises(CommandError, match="404 for project bighpc/none"):
        run(replace(request_, project="bighpc/none"))


def test_a_merge_request_of_a_fork_is_another_one(
    bot: gitlab.Gitlab, group: Group, project: Project, request_: Request, run: Promote
) -> None:
    deploy(project, commit(project))
    home = bot.groups.create({"name": "fork", "path": "fork", "parent_id": group.id})
    made = project.forks.create({"namespace_id": home.id, "path": "fork"})
    fork = bot.projects.get(made.id)
    asked = {"source_branch": "dev", "target_branch": "preview", "target_project_id": project.id, "title": "Mine"}
    theirs = fork.mergerequests.create({**asked, "description": "Look"})
    run(request_)
    described = {each.title: each.description for each in requests(project)}
    assert described["Mine"] == "Look"
    assert "Promote dev to preview" in described
    assert theirs.iid


def test_the_targets_stack_is_previewed_where_the_checkout_is_at_the_commit(
    double: Double, project: Project, request_: Request, run: Promote, engine: FakeEngine, tmp_path: Path
) -> None:
    deploy(project, commit(project, "Pulumi.preview.yaml"))
    tree = tmp_path / "tree"
    remote = double.remote(project.path_with_namespace, double.bot_token)
    subprocess.run(["git", "clone", "--quiet", "--branch=dev", remote, str(tree)], check=True)
    events = [step("delete", "platform", old={}), step("same", "kept", old={}, new={})]
    engine.says("preview", "preview", events=events)
    at_commit = replace(request_, directory=tree, out=tmp_path / "out")
    run(at_commit)
    [made] = requests(project)
    assert "Stack **preview**: 1 to delete. ✅ ready." in made.description
    assert "Digest of the plan: `sha256:" in made.description
    assert "- `platform`: Project is deleted: what it holds is lost" in made.description

    (tree / "Pulumi.preview.yaml").write_text("changed")
    run(at_commit)
    assert "has changes that are not committed" in requests(project)[0].description


@pytest.mark.usefixtures("connected", "request_")
def test_the_command_finds_the_repository_by_its_name_in_the_group(
    project: Project, group: Group, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deploy(project, commit(project))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CI_PROJECT_ID", "999999")
    asked = ["promote", "dev", "preview", "--group", group.path, "--repository", project.path]
    result = CliRunner().invoke(cli.build_app([]), asked)
    assert result.exit_code == 0, result.output
    assert [each.title for each in requests(project)] == ["Promote dev to preview"]
    refused = CliRunner().invoke(cli.build_app([]), ["promote", "dev", "preview"])
    assert isinstance(refused.exception, CommandError)
    assert "999999" in refused.exception.reason
