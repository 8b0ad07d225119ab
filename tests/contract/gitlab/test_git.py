"""Clone, fetch and push with the real git."""

from __future__ import annotations

import base64
import contextlib
import socket
from pathlib import Path

import gitlab
import psutil
import pytest
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Double, Git, eventually, make_person


def test_a_pushed_commit_is_seen_through_the_api(clone: Git, project: Project) -> None:
    sha = clone.commit("docs/a.txt", "hello\n", "Add a file")
    clone("push", "origin", "main")
    assert project.commits.get("main").id == sha
    assert project.files.get("docs/a.txt", "main").decode() == b"hello\n"


def test_a_commit_of_the_api_is_fetched(clone: Git, project: Project) -> None:
    made = project.files.create({"file_path": "b", "branch": "main", "content": "x", "commit_message": "b"})
    clone("pull", "--quiet")
    assert (clone.directory / "b").read_text() == "x"
    assert made.file_path == "b"


def test_the_first_push_decides_the_default_branch_and_protects_it(
    git: Git, double: Double, empty_project: Project, bot: gitlab.Gitlab
) -> None:
    git.commit("a", "1")
    git("branch", "--move", "prod")
    git("push", double.remote(empty_project.path_with_namespace, double.bot_token), "prod")
    seen = bot.projects.get(empty_project.id)
    assert seen.default_branch == "prod"
    assert [each.name for each in seen.protectedbranches.list()] == ["prod"]
    assert not seen.empty_repo


def test_a_private_project_asks_for_credentials(git: Git, double: Double, project: Project) -> None:
    done = git.run("ls-remote", double.remote(project.path_with_namespace, None))
    assert done.returncode != 0
    assert "could not read Username" in done.stderr


def test_a_wrong_token_is_refused(git: Git, double: Double, project: Project) -> None:
    done = git.run("ls-remote", double.remote(project.path_with_namespace, "glpat-wrong-wrong-wrong"))
    assert "Authentication failed" in done.stderr
    assert "HTTP Basic: Access denied" in done.stderr


def test_a_stranger_does_not_learn_of_a_private_project(
    git: Git, double: Double, root: gitlab.Gitlab, project: Project
) -> None:
    stranger = make_person(double, root)
    done = git.run("ls-remote", double.remote(project.path_with_namespace, stranger.token))
    assert "not found" in done.stderr


def test_a_public_project_is_cloned_without_credentials(
    git: Git, double: Double, bot: gitlab.Gitlab, tmp_path: Path
) -> None:
    group = bot.groups.create({"name": "open", "path": "open-to-all", "visibility": "public"})
    bot.projects.create(
        {"name": "lib", "namespace_id": group.id, "visibility": "public", "initialize_with_readme": True}
    )
    git("clone", "--quiet", double.remote("open-to-all/lib", None), str(tmp_path / "lib"))
    assert (tmp_path / "lib" / "README.md").read_text() == "# lib\n"


@pytest.mark.parametrize(("level", "reads", "writes"), [(10, False, False), (20, True, False), (30, True, True)])
def test_a_role_decides_who_reads_and_who_pushes(
    clone: Git, double: Double, root: gitlab.Gitlab, project: Project, level: int, reads: bool, writes: bool
) -> None:
    member = make_person(double, root)
    project.members.create({"user_id": member.id, "access_level": level})
    remote = double.remote(project.path_with_namespace, member.token)
    clone.commit("a", "1")
    assert (clone.run("ls-remote", remote).returncode == 0) is reads
    assert (clone.run("push", remote, "main:topic").returncode == 0) is writes


def test_a_token_without_write_scope_does_not_push(
    clone: Git, double: Double, root: gitlab.Gitlab, project: Project
) -> None:
    reader = make_person(double, root, ("read_repository",))
    project.members.create({"user_id": reader.id, "access_level": 40})
    remote = double.remote(project.path_with_namespace, reader.token)
    clone.commit("a", "1")
    assert clone.run("fetch", remote).returncode == 0
    assert "not allowed to push code" in clone("push", remote, "main:topic", check=False)


def test_a_deploy_token_fetches_under_its_own_name_only(
    git: Git, double: Double, group: Group, project: Project
) -> None:
    token = group.deploytokens.create({"name": "argocd", "scopes": ["read_repository"]})
    path = project.path_with_namespace
    assert git.run("ls-remote", double.remote(path, token.token, token.username)).returncode == 0
    assert git.run("ls-remote", double.remote(path, token.token, "somebody")).returncode != 0
    git.commit("a", "1")
    assert git.run("push", double.remote(path, token.token, token.username), "main:topic").returncode != 0


def test_a_developer_may_not_push_to_the_protected_default_branch(
    clone: Git, double: Double, root: gitlab.Gitlab, project: Project
) -> None:
    developer = make_person(double, root)
    project.members.create({"user_id": developer.id, "access_level": 30})
    clone.commit("a", "1")
    said = clone("push", double.remote(project.path_with_namespace, developer.token), "main", check=False)
    assert "GitLab: You are not allowed to push code to protected branches on this project." in said
    assert "pre-receive hook declined" in said


def test_a_force_push_to_a_protected_branch_is_refused_even_to_its_owner(clone: Git, project: Project) -> None:
    clone.commit("a", "1")
    clone("push", "origin", "main")
    clone("reset", "--hard", "--quiet", "HEAD~1")
    clone.commit("b", "2")
    said = clone("push", "--force", "origin", "main", check=False)
    assert "You are not allowed to force push code to a protected branch on this project." in said


def test_a_force_push_works_where_the_protection_allows_it(clone: Git, project: Project) -> None:
    project.protectedbranches.delete("main")
    project.protectedbranches.create({"name": "main", "push_access_level": 40, "allow_force_push": True})
    clone.commit("a", "1")
    clone("push", "origin", "main")
    clone("reset", "--hard", "--quiet", "HEAD~1")
    sha = clone.commit("b", "2")
    clone("push", "--force", "origin", "main")
    assert project.branches.get("main").commit["id"] == sha


def test_nobody_pushes_where_nobody_may(clone: Git, project: Project) -> None:
    project.protectedbranches.delete("main")
    project.protectedbranches.create({"name": "main", "push_access_level": 0, "merge_access_level": 40})
    clone.commit("a", "1")
    assert "protected branches" in clone("push", "origin", "main", check=False)


def test_the_default_branch_is_not_deleted(clone: Git) -> None:
    said = clone("push", "origin", ":main", check=False)
    assert "The default branch of a project cannot be deleted." in said


def test_an_unprotected_branch_is_deleted_by_a_push(clone: Git, project: Project) -> None:
    clone("push", "origin", "main:topic")
    clone("push", "origin", ":topic")
    assert [each.name for each in project.branches.list()] == ["main"]


def test_a_protected_branch_is_not_deleted_by_a_push(clone: Git, project: Project) -> None:
    clone("push", "origin", "main:release")
    project.protectedbranches.create({"name": "release"})
    said = clone("push", "origin", ":release", check=False)
    assert "You can only delete protected branches using the web interface." in said


def test_a_protected_tag_is_made_by_those_allowed_only(
    clone: Git, double: Double, root: gitlab.Gitlab, project: Project
) -> None:
    developer = make_person(double, root)
    project.members.create({"user_id": developer.id, "access_level": 30})
    project.protectedtags.create({"name": "v*", "create_access_level": 40})
    clone("tag", "v1")
    clone("tag", "w1")
    remote = double.remote(project.path_with_namespace, developer.token)
    assert "You are not allowed to create this tag as it is protected." in clone("push", remote, "v1", check=False)
    clone("push", remote, "w1")
    clone("push", "origin", "v1")
    assert {tag.name: tag.protected for tag in project.tags.list()} == {"v1": True, "w1": False}


def test_an_archived_project_takes_no_push(clone: Git, project: Project) -> None:
    project.archive()
    clone.commit("a", "1")
    assert clone.run("push", "origin", "main").returncode != 0
    project.unarchive()
    clone("push", "origin", "main")


def test_a_large_push_streams(clone: Git, project: Project) -> None:
    (clone.directory / "big").write_bytes(bytes(range(256)) * 20_000)
    sha = clone.commit("small", "1")
    clone("-c", "http.postBuffer=65536", "push", "origin", "main")
    assert project.commits.get("main").id == sha


def test_a_client_that_goes_away_leaves_no_process_behind(double: Double, project: Project) -> None:
    host, port = double.url.removeprefix("http://").split(":")
    credentials = base64.b64encode(f"x:{double.bot_token}".encode()).decode()
    head = (
        f"POST /{project.path_with_namespace}.git/git-receive-pack HTTP/1.1\r\nHost: {host}\r\n"
        f"Authorization: Basic {credentials}\r\nContent-Type: application/x-git-receive-pack-request\r\n"
        "Content-Length: 100000\r\n\r\n"
    )
    command = f"{'0' * 40} {'1' * 40} refs/heads/half\0report-status\n"
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"{head}{len(command) + 4:04x}{command}0000PACK".encode())
        eventually(_backends)
    eventually(lambda: not _backends())


def _backends() -> list[str]:
    """The Git processes of this process's server."""
    names: list[str] = []
    for each in psutil.Process().children(recursive=True):
        # One that ends between being listed and being asked is one less to count.
        with contextlib.suppress(psutil.NoSuchProcess):
            names.append(each.name())
    return [name for name in names if "git" in name]


def test_a_shallow_clone_works(clone: Git, double: Double, project: Project, tmp_path: Path) -> None:
    clone.commit("a", "1")
    clone.commit("a", "2")
    clone("push", "origin", "main")
    remote = double.remote(project.path_with_namespace, double.bot_token)
    clone("clone", "--quiet", "--depth", "1", remote, str(tmp_path / "shallow"))
    assert clone("rev-list", "--count", "HEAD", cwd=tmp_path / "shallow").strip() == "1"
