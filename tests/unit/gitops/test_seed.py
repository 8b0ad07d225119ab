"""Seeding, against real git repositories and a stand-in for GitLab's API."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from gitops.connection import Connection
from gitops.errors import CommandError
from gitops.seed import BRANCHES, SOURCE, seed, seed_platform
from tests.unit.stacks.servers import closed_port, gitlab_answers, serve

TOKEN = "glpat-s3cret"


def git(directory: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Team", "-c", "user.email=team@example.org")
    command = ("git", *identity, *arguments)
    return subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository as GitLab makes it: a README on three branches."""
    bare = tmp_path / "environments.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch", "prod", str(bare))
    work = tmp_path / "first"
    git(tmp_path, "clone", "--quiet", str(bare), str(work))
    (work / "README.md").write_text("# Environments\n")
    git(work, "checkout", "--quiet", "-B", "prod")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "Initial commit")
    for branch in BRANCHES:
        git(work, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
    return bare


@pytest.fixture
def connection(repository: Path) -> Iterator[Connection]:
    project = {"status": 200, "body": {"id": 7, "http_url_to_repo": repository.as_uri()}}
    with serve(gitlab_answers(project=project)) as url:
        yield Connection(url=url, token=TOKEN)


def run(connection: Connection, source: Path = SOURCE) -> str:
    out = io.StringIO()
    seed(group="bighpc", source=source, connection=connection, console=Console(file=out, width=200))
    return out.getvalue()


def files(repository: Path, branch: str) -> set[str]:
    return set(git(repository, "ls-tree", "-r", "--name-only", branch).split())


def test_each_branch_gets_the_applications_and_keeps_its_readme(connection: Connection, repository: Path) -> None:
    shown = run(connection)
    expected = {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*") if path.is_file()} | {"README.md"}
    for branch in BRANCHES:
        assert files(repository, branch) == expected
        assert f"{branch}: pushed" in shown


def test_a_second_run_changes_nothing(connection: Connection, repository: Path) -> None:
    run(connection)
    before = git(repository, "for-each-ref")
    shown = run(connection)
    assert git(repository, "for-each-ref") == before
    assert all(f"{branch}: has everything" in shown for branch in BRANCHES)


def test_what_a_branch_has_already_is_left_alone(connection: Connection, repository: Path, tmp_path: Path) -> None:
    run(connection)
    work = tmp_path / "team"
    git(tmp_path, "clone", "--quiet", "--branch", "dev", str(repository), str(work))
    (work / "applications/hello/base/service.yaml").unlink()
    git(work, "commit", "--quiet", "--all", "-m", "Drop the service")
    git(work, "push", "--quiet", "origin", "dev")
    run(connection)
    assert "applications/hello/base/service.yaml" not in files(repository, "dev"), "a deleted file must not come back"


def test_the_token_is_neither_in_an_argument_nor_in_the_clones_configuration(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = tmp_path / "trace"
    shim = tmp_path / "bin" / "git"
    shim.parent.mkdir()
    real = shutil.which("git")
    shim.write_text(f'#!/bin/sh\necho "$@" >>{trace}\n{real} "$@" || exit $?\ncat .git/config >>{trace}\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", f"{shim.parent}{os.pathsep}{os.environ['PATH']}")
    run(connection)
    recorded = trace.read_text()
    assert "push" in recorded
    assert "[remote" in recorded
    assert TOKEN not in recorded
    assert "xtraheader" not in recorded.lower()
    assert TOKEN not in repr(connection)


@pytest.mark.parametrize(
    ("changes", "reason", "remedy"),
    [
        ({"project": {"status": 404}}, "bighpc/environments is not there", "pulumi up --stack prod"),
        ({"project": {"status": 401}}, "refuses the token", "GITLAB_TOKEN"),
        ({"project": {"status": 500}}, "answered 500", "administrator"),
    ],
)
def test_what_gitlab_refuses_is_told_with_a_remedy(changes: dict[str, object], reason: str, remedy: str) -> None:
    with serve(gitlab_answers(**changes)) as url, pytest.raises(CommandError, match=reason) as failure:
        run(Connection(url=url, token=TOKEN))
    assert remedy in failure.value.remedy


def test_a_gitlab_that_does_not_answer_is_told_with_a_remedy() -> None:
    with pytest.raises(CommandError, match="does not answer") as failure:
        run(Connection(url=closed_port(), token=TOKEN))
    assert "testbed up" in failure.value.remedy


def test_a_missing_branch_is_named(connection: Connection, repository: Path) -> None:
    git(repository, "branch", "-D", "preview")
    with pytest.raises(CommandError, match="has no branch preview"):
        run(connection)


def test_a_refused_push_is_told_in_gits_own_words(connection: Connection, repository: Path) -> None:
    hook = repository / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'You are not allowed to push code to protected branches' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(CommandError, match="not allowed to push code to protected branches"):
        run(connection)


def test_a_directory_without_applications_is_refused(connection: Connection, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="has no directory 'applications'"):
        run(connection, tmp_path)


def test_what_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_BASE_URL", "http://127.0.0.1/api/v4/")
    monkeypatch.delenv("GITLAB_TOKEN", raising=False)
    with pytest.raises(CommandError, match=r"^not set: GITLAB_TOKEN"):
        Connection.from_environment()


def test_the_address_of_the_api_is_taken_for_that_of_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITLAB_BASE_URL", "http://127.0.0.1:8929/api/v4/")
    monkeypatch.setenv("GITLAB_TOKEN", TOKEN)
    assert Connection.from_environment().url == "http://127.0.0.1:8929"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with one commit, a file that git does not know, and a change that is not committed."""
    directory = tmp_path / "checkout"
    git(tmp_path, "init", "--quiet", str(directory))
    (directory / "Pulumi.yaml").write_text("name: bighpc\n")
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "-m", "feat: everything")
    (directory / "Pulumi.yaml").write_text("name: changed\n")
    (directory / "secret.txt").write_text("nobody's business\n")
    return directory


@pytest.fixture
def platform(tmp_path: Path) -> Path:
    """The platform repository as GitLab makes it: empty, and open to push options."""
    bare = tmp_path / "platform.git"
    git(tmp_path, "init", "--quiet", "--bare", str(bare))
    git(bare, "config", "receive.advertisePushOptions", "true")
    return bare


def run_platform(checkout: Path, platform: Path) -> str:
    out = io.StringIO()
    with serve(
        gitlab_answers(platform={"status": 200, "body": {"id": 9, "http_url_to_repo": platform.as_uri()}})
    ) as url:
        connection = Connection(url=url, token=TOKEN)
        seed_platform(group="bighpc", checkout=checkout, connection=connection, console=Console(file=out, width=200))
    return out.getvalue()


def test_the_platform_repository_gets_what_is_committed(checkout: Path, platform: Path) -> None:
    run_platform(checkout, platform)
    for branch in BRANCHES:
        assert files(platform, branch) == {"Pulumi.yaml"}
        assert git(platform, "show", f"{branch}:Pulumi.yaml") == "name: bighpc\n"


def test_a_branch_that_is_there_is_left_alone(checkout: Path, platform: Path) -> None:
    git(checkout, "push", "--quiet", platform.as_uri(), "HEAD:refs/heads/dev")
    git(checkout, "commit", "--quiet", "--all", "-m", "feat: more")
    before = git(platform, "rev-parse", "dev")
    shown = run_platform(checkout, platform)
    assert git(platform, "rev-parse", "dev") == before
    assert git(platform, "rev-parse", "prod") == git(checkout, "rev-parse", "HEAD")
    assert "dev: is there" in shown


def test_no_pipeline_checks_what_everything_was_brought_up_from(checkout: Path, platform: Path, tmp_path: Path) -> None:
    hook = platform / "hooks" / "post-receive"
    hook.write_text(f'#!/bin/sh\necho "$GIT_PUSH_OPTION_0" >{tmp_path}/option\n')
    hook.chmod(0o755)
    run_platform(checkout, platform)
    assert (tmp_path / "option").read_text() == "ci.skip\n"


def test_a_directory_without_history_is_told(platform: Path, tmp_path: Path) -> None:
    (tmp_path / "unpacked").mkdir()
    with pytest.raises(CommandError, match="not a git repository"):
        run_platform(tmp_path / "unpacked", platform)
