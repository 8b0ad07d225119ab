"""Branches, commits, files, trees, comparisons and tags through the API."""

from __future__ import annotations

from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Project

from tests.contract.gitlab.support import Double, Person, refused


def write(project: Project, path: str, content: str, branch: str = "main") -> None:
    """Commit one new file."""
    project.files.create({"file_path": path, "branch": branch, "content": content, "commit_message": f"Add {path}"})


def commit(project: Project, *actions: dict[str, Any], branch: str = "main", **more: Any) -> str:
    """Commit several changes; the new commit's name."""
    made = project.commits.create({"branch": branch, "commit_message": "Change", "actions": list(actions), **more})
    return str(made.id)


def test_a_branch_is_created_read_and_removed(project: Project) -> None:
    branch = project.branches.create({"branch": "feature/x", "ref": "main"})
    main = project.branches.get("main")
    assert (main.default, main.protected, main.can_push, main.merged) == (True, True, True, False)
    assert (branch.default, branch.protected, branch.merged) == (False, False, True)
    assert branch.commit["id"] == main.commit["id"]
    assert branch.web_url == f"{project.web_url}/-/tree/feature/x"
    assert project.branches.get("feature/x").name == "feature/x"
    branch.delete()
    with refused(404, {"message": "404 Branch Not Found"}):
        project.branches.get("feature/x")


def test_branches_are_searched(project: Project) -> None:
    for name in ("dev", "dev-2", "preview"):
        project.branches.create({"branch": name, "ref": "main"})
    assert [each.name for each in project.branches.list(search="dev")] == ["dev", "dev-2"]
    assert [each.name for each in project.branches.list(search="^dev$")] == ["dev"]
    assert [each.name for each in project.branches.list(regex="^p")] == ["preview"]


@pytest.mark.parametrize(
    ("branch", "ref", "message"),
    [
        ("main", "main", "Branch already exists"),
        ("new", "nowhere", "Invalid reference name: nowhere"),
        ("bad name", "main", "Branch name is invalid"),
    ],
)
def test_a_branch_that_cannot_be_is_refused(shared: Project, branch: str, ref: str, message: str) -> None:
    with refused(400, {"message": message}):
        shared.branches.create({"branch": branch, "ref": ref})


def test_the_default_branch_cannot_be_removed(shared: Project) -> None:
    with refused(400, {"message": "The default branch of a project cannot be deleted."}):
        shared.branches.delete("main")


def test_merged_branches_are_cleaned_up_but_protected_ones_stay(project: Project) -> None:
    for name in ("done", "kept", "ahead"):
        project.branches.create({"branch": name, "ref": "main"})
    project.protectedbranches.create({"name": "kept"})
    write(project, "x", "1", branch="ahead")
    project.delete_merged_branches()
    assert [each.name for each in project.branches.list()] == ["ahead", "kept", "main"]


def test_one_commit_changes_many_files(project: Project) -> None:
    commit(
        project,
        {"action": "create", "file_path": "a.txt", "content": "a\n"},
        {
            "action": "create",
            "file_path": "dir/b.bin",
            "content": "AAE=",
            "encoding": "base64",
        },
        {"action": "create", "file_path": "run.sh", "content": "#!/bin/sh\n"},
    )
    sha = commit(
        project,
        {"action": "update", "file_path": "a.txt", "content": "b\n"},
        {"action": "move", "file_path": "dir/c.bin", "previous_path": "dir/b.bin"},
        {"action": "chmod", "file_path": "run.sh", "execute_filemode": True},
        {"action": "delete", "file_path": "README.md"},
    )
    entries = {each["path"]: each["mode"] for each in project.repository_tree(recursive=True, get_all=True)}
    assert entries == {"a.txt": "100644", "dir": "040000", "dir/c.bin": "100644", "run.sh": "100755"}
    assert project.files.raw("dir/c.bin", "main") == b"\0\1"
    seen = project.commits.get(sha)
    assert (seen.title, len(seen.parent_ids), seen.stats["total"]) == ("Change", 1, 3)


def test_a_commit_has_its_author_and_committer(project: Project, bot: gitlab.Gitlab) -> None:
    sha = commit(
        project,
        {"action": "create", "file_path": "a", "content": ""},
        author_name="Ada",
        author_email="ada@example.com",
    )
    seen = project.commits.get(sha)
    assert (seen.author_name, seen.author_email, seen.committer_name) == ("Ada", "ada@example.com", "BigHPC bot")
    assert seen.web_url == f"{project.web_url}/-/commit/{sha}"
    assert seen.short_id == sha[:8]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"action": "create", "file_path": "README.md"}, "A file with this name already exists"),
        ({"action": "update", "file_path": "nope", "content": ""}, "A file with this name doesn't exist"),
        ({"action": "delete", "file_path": "nope"}, "A file with this name doesn't exist"),
        ({"action": "move", "file_path": "x", "previous_path": "nope"}, "A file with this name doesn't exist"),
        ({"action": "move", "file_path": "x"}, "You must provide a previous path"),
        ({"action": "create", "file_path": "../x"}, "Path cannot include directory traversal"),
        ({"action": "create", "file_path": ".git/hooks/x"}, "Path cannot include directory traversal"),
    ],
)
def test_an_action_that_cannot_be_done_is_refused(shared: Project, action: dict[str, Any], message: str) -> None:
    before = shared.branches.get("main").commit["id"]
    with refused(400, {"message": message}):
        commit(shared, {"action": "create", "file_path": "good", "content": "1"}, action)
    assert shared.branches.get("main").commit["id"] == before


def test_actions_and_messages_are_checked(shared: Project) -> None:
    with refused(400, {"error": "actions[0][action] does not have a valid value"}):
        commit(shared, {"action": "explode", "file_path": "x"})
    with refused(400, {"error": "commit_message is empty"}):
        commit(shared, {"action": "create", "file_path": "x"}, commit_message="")


def test_a_commit_on_a_new_branch_needs_a_start(project: Project) -> None:
    with refused(400, {"message": "You can only create or edit files when you are on a branch"}):
        commit(project, {"action": "create", "file_path": "x"}, branch="new")
    commit(project, {"action": "create", "file_path": "x"}, branch="new", start_branch="main")
    assert project.files.get("x", "new").file_path == "x"
    with refused(400):
        commit(project, {"action": "create", "file_path": "y"}, branch="new", start_branch="main")


def test_an_empty_project_gets_its_first_commit_through_the_api(empty_project: Project) -> None:
    commit(empty_project, {"action": "create", "file_path": "x"}, branch="main")
    assert empty_project.branches.get("main").protected


def test_a_file_is_created_read_changed_and_removed(project: Project) -> None:
    write(project, "conf/app.yaml", "a: 1\n")
    file = project.files.get("conf/app.yaml", "main")
    assert (file.file_name, file.size, file.encoding, file.execute_filemode) == ("app.yaml", 5, "base64", False)
    assert file.decode() == b"a: 1\n"
    assert file.last_commit_id == file.commit_id == project.branches.get("main").commit["id"]
    file.content = "a: 2\n"
    file.save(branch="main", commit_message="Change it")
    assert project.files.raw("conf/app.yaml", "main") == b"a: 2\n"
    project.files.delete("conf/app.yaml", "main", "Remove it")
    with refused(404, {"message": "404 File Not Found"}):
        project.files.get("conf/app.yaml", "main")
    assert [each.title for each in project.commits.list(query_parameters={"path": "conf/app.yaml"})] == [
        "Remove it",
        "Change it",
        "Add conf/app.yaml",
    ]


def test_headers_tell_about_a_file(shared: Project) -> None:
    headers = shared.files.head("README.md", "main")
    assert headers["X-Gitlab-File-Name"] == "README.md"
    assert headers["X-Gitlab-Execute-Filemode"] == "false"
    assert len(headers["X-Gitlab-Content-Sha256"]) == 64
    with refused(404):
        shared.files.head("nope", "main")


def test_a_file_changed_meanwhile_is_not_overwritten(project: Project) -> None:
    write(project, "a", "1")
    known = project.files.get("a", "main").last_commit_id
    change = {"branch": "main", "commit_message": "m", "content": "2"}
    project.files.update("a", {**change, "last_commit_id": known})
    with refused(400, {"message": "The file has changed since you started editing it: a"}):
        project.files.update("a", {**change, "content": "3", "last_commit_id": known})


def test_files_that_are_not_there_are_not_found(shared: Project) -> None:
    with refused(404, {"message": "404 File Not Found"}):
        shared.files.raw("nope", "main")
    with refused(404, {"message": "404 Commit Not Found"}):
        shared.files.get("README.md", "nowhere")
    with refused(400, {"message": "A file with this name already exists"}):
        write(shared, "README.md", "x")


def test_a_tree_lists_directories_first(project: Project) -> None:
    for path in ("z", "b/c/d", "a"):
        write(project, path, "x")
    assert [each["name"] for each in project.repository_tree()] == ["b", "README.md", "a", "z"]
    assert [each["path"] for each in project.repository_tree("b", recursive=True)] == ["b/c", "b/c/d"]
    with refused(404, {"message": "404 Tree Not Found"}):
        project.repository_tree("nope")


def test_two_refs_are_compared(project: Project) -> None:
    project.branches.create({"branch": "dev", "ref": "main"})
    write(project, "ours", "1\n")
    write(project, "theirs", "2\n", branch="dev")
    found = project.repository_compare("main", "dev")
    assert isinstance(found, dict)
    assert [each["title"] for each in found["commits"]] == ["Add theirs"]
    assert [(each["new_path"], each["new_file"]) for each in found["diffs"]] == [("theirs", True)]
    assert found["diffs"][0]["diff"] == "@@ -0,0 +1 @@\n+2\n"
    straight = project.repository_compare("main", "dev", straight=True)
    assert isinstance(straight, dict)
    assert {each["new_path"] for each in straight["diffs"]} == {"ours", "theirs"}
    with refused(404, {"message": "404 Ref Not Found"}):
        project.repository_compare("main", "nowhere")


def test_history_is_listed_newest_first(project: Project) -> None:
    for name in "abc":
        write(project, name, name)
    assert [each.title for each in project.commits.list()] == ["Add c", "Add b", "Add a", "Initial commit"]
    assert [each.title for each in project.commits.list(ref_name="main", per_page=1, get_all=False)] == ["Add c"]
    assert project.commits.list(since="2099-01-01T00:00:00Z") == []
    with refused(404):
        project.commits.list(ref_name="nowhere")


def test_a_commit_shows_what_it_changed_and_where_it_is(project: Project) -> None:
    write(project, "a", "1\n")
    seen = project.commits.get("main")
    (diff,) = seen.diff()
    assert (diff["new_path"], diff["new_file"], diff["diff"]) == ("a", True, "@@ -0,0 +1 @@\n+1\n")
    project.tags.create({"tag_name": "v1", "ref": "main"})
    assert {(each["type"], each["name"]) for each in seen.refs()} == {("branch", "main"), ("tag", "v1")}
    with refused(404, {"message": "404 Commit Not Found"}):
        project.commits.get("f" * 40)


def test_the_merge_base_of_branches_is_found(project: Project) -> None:
    base = project.branches.get("main").commit["id"]
    project.branches.create({"branch": "dev", "ref": "main"})
    write(project, "a", "1")
    write(project, "b", "1", branch="dev")
    found = project.repository_merge_base(["main", "dev"])
    assert isinstance(found, dict)
    assert found["id"] == base


def test_tags_are_created_listed_and_removed(project: Project) -> None:
    light = project.tags.create({"tag_name": "v1", "ref": "main"})
    full = project.tags.create({"tag_name": "v2", "ref": "main", "message": "Second"})
    assert (light.message, light.target) == ("", light.commit["id"])
    assert (full.message, full.commit["id"]) == ("Second", light.commit["id"])
    assert full.target != light.target
    assert {each.name for each in project.tags.list()} == {"v1", "v2"}
    assert [each.name for each in project.tags.list(search="2")] == ["v2"]
    light.delete()
    with refused(404, {"message": "404 Tag Not Found"}):
        project.tags.get("v1")
    with refused(400, {"message": "Tag v2 already exists"}):
        project.tags.create({"tag_name": "v2", "ref": "main"})
    with refused(400, {"message": "Target nowhere is invalid"}):
        project.tags.create({"tag_name": "v3", "ref": "nowhere"})


def test_guests_of_a_private_project_read_no_code(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 10})
    seen = person.client.projects.get(project.id)
    with refused(403, {"message": "403 Forbidden"}):
        seen.files.get("README.md", "main")


def test_a_reporter_reads_and_does_not_write(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 20})
    seen = person.client.projects.get(project.id)
    assert seen.branches.get("main").can_push is False
    with refused(403):
        seen.branches.create({"branch": "x", "ref": "main"})
    with refused(403, {"message": "403 Forbidden - You are not allowed to push into this branch"}):
        write(seen, "x", "1")


def test_a_public_project_is_read_without_a_token(bot: gitlab.Gitlab, double: Double) -> None:
    made = bot.projects.create({"name": "public-files", "visibility": "public", "initialize_with_readme": True})
    seen = double.client().projects.get(made.id)
    assert seen.files.raw("README.md", "main") == b"# public-files\n"
    with refused(401):
        write(seen, "x", "1")
