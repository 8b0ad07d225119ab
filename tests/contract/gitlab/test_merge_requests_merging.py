"""Merging: methods, messages, what is in the way, and who may."""

from __future__ import annotations

import pytest
from gitlab.v4.objects import Project, ProjectMergeRequest

from tests.contract.gitlab.merge_request_support import branches, commit_file, head, open_request, parents, read
from tests.contract.gitlab.support import Person, refused

NOT_NOW = {"message": "405 Method Not Allowed"}
NOT_SO = {"message": "Branch cannot be merged"}


def conflicting(project: Project) -> ProjectMergeRequest:
    """A merge request whose branch changed the same line as `main`."""
    commit_file(project, "topic", "README.md", "theirs\n", action="update")
    commit_file(project, "main", "README.md", "ours\n", action="update")
    return open_request(project, source_branch="topic")


def test_a_merge_makes_a_merge_commit(project: Project) -> None:
    made = open_request(project, title="Add it")
    before = head(project)
    made.merge()
    assert (made.state, made.merge_user["username"], made.detailed_merge_status) == ("merged", "bighpc-bot", "not_open")
    assert made.merge_commit_sha == head(project)
    assert parents(project, "main") == [before, made.sha]
    message = project.commits.get("main").message
    assert message == (
        f"Merge branch '{made.source_branch}' into 'main'\n\nAdd it\n\nSee merge request "
        f"{project.path_with_namespace}!{made.iid}"
    )
    assert made.source_branch in branches(project)
    with refused(405, NOT_NOW):
        made.merge()


def test_messages_follow_the_request_then_the_project(project: Project) -> None:
    project.merge_commit_template = "%{title}\n\n%{issues}\n\n%{description}\nReviewed in %{local_reference}"
    project.save()
    first = open_request(project, title="One", description="Because.")
    first.merge()
    assert project.commits.get("main").message == "One\n\nBecause.\nReviewed in !1"
    open_request(project).merge(merge_commit_message="As I say")
    assert project.commits.get("main").message == "As I say"


def test_commits_are_squashed(project: Project) -> None:
    made = open_request(project, title="As one", squash=True)
    commit_file(project, made.source_branch, "second.txt")
    before = head(project)
    made.merge(squash_commit_message="All of it")
    assert parents(project, "main") == [before, made.squash_commit_sha]
    squashed = project.commits.get(made.squash_commit_sha)
    assert (squashed.message, squashed.parent_ids) == ("All of it", [before])
    assert {"second.txt", f"{made.source_branch}.txt"} <= {each["path"] for each in project.repository_tree()}


@pytest.mark.parametrize(("option", "asked", "squashed"), [("always", False, True), ("never", True, False)])
def test_the_project_decides_about_squashing(project: Project, option: str, asked: bool, squashed: bool) -> None:
    project.squash_option = option
    project.save()
    made = open_request(project, squash=asked)
    commit_file(project, made.source_branch, "second.txt")
    made.merge()
    assert (made.squash_commit_sha is not None) is squashed


def test_a_straight_history_is_fast_forwarded(project: Project) -> None:
    project.merge_method = "ff"
    project.save()
    made, behind = open_request(project), open_request(project)
    made.merge()
    assert (head(project), made.merge_commit_sha) == (made.sha, None)
    assert read(behind).detailed_merge_status == "need_rebase"
    with refused(422, NOT_SO):
        behind.merge()
    assert behind.rebase() == {"rebase_in_progress": False}
    behind = read(behind, include_rebase_in_progress=True)
    assert (behind.rebase_in_progress, behind.merge_error) == (False, None)
    assert parents(project, behind.sha) == [made.sha]
    behind.merge()
    assert head(project) == behind.sha


def test_a_semi_linear_history_has_merge_commits_of_rebased_branches(project: Project) -> None:
    project.merge_method = "rebase_merge"
    project.save()
    made, behind = open_request(project), open_request(project)
    made.merge()
    with refused(422, NOT_SO):
        behind.merge()
    behind.rebase()
    behind = read(behind)
    before = head(project)
    behind.merge()
    assert parents(project, "main") == [before, behind.sha]


def test_a_conflict_is_seen_and_refused(project: Project) -> None:
    made = conflicting(project)
    assert (made.has_conflicts, made.merge_status, made.detailed_merge_status) == (
        True,
        "cannot_be_merged",
        "conflict",
    )
    before = head(project)
    with refused(422, NOT_SO):
        made.merge()
    made.rebase()
    assert "resolve all conflicts" in read(made).merge_error
    with refused(400):
        made.merge_ref()
    assert head(project) == before


def test_the_merge_ref_shows_what_a_merge_would_give(project: Project) -> None:
    made = open_request(project)
    shown = made.merge_ref()
    assert isinstance(shown, dict)
    assert parents(project, shown["commit_id"]) == [head(project), made.sha]
    assert made.merge_ref() == shown


def test_a_draft_is_not_merged(project: Project) -> None:
    with refused(405, NOT_NOW):
        open_request(project, title="Draft: x").merge()


def test_a_branch_without_commits_is_not_merged(project: Project) -> None:
    project.branches.create({"branch": "empty", "ref": "main"})
    made = open_request(project, source_branch="empty")
    assert made.detailed_merge_status == "commits_status"
    with refused(405, NOT_NOW):
        made.merge()


def test_a_head_that_nobody_expected_is_not_merged(project: Project) -> None:
    made = open_request(project)
    with refused(409, {"message": f"SHA does not match HEAD of source branch: {made.sha}"}):
        made.manager.gitlab.http_put(f"{made.manager.path}/{made.iid}/merge", post_data={"sha": "0" * 40})
    made.manager.gitlab.http_put(f"{made.manager.path}/{made.iid}/merge", post_data={"sha": made.sha})
    assert read(made).state == "merged"


def test_open_threads_are_in_the_way_where_the_project_says_so(project: Project) -> None:
    project.only_allow_merge_if_all_discussions_are_resolved = True
    project.save()
    made = open_request(project)
    thread = made.discussions.create({"body": "Why?"})
    assert read(made).detailed_merge_status == "discussions_not_resolved"
    with refused(405, NOT_NOW):
        made.merge()
    thread.resolved = True
    thread.save()
    made.merge()
    assert made.state == "merged"


def test_a_merge_takes_the_source_branch_along(project: Project) -> None:
    gone, asked, kept = open_request(project, remove_source_branch=True), open_request(project), open_request(project)
    gone.merge()
    asked.merge(should_remove_source_branch=True)
    kept.merge(should_remove_source_branch=False)
    assert branches(project) == sorted(["main", kept.source_branch])
    assert read(gone).state == "merged"


def test_a_protected_source_branch_stays(project: Project) -> None:
    made = open_request(project, remove_source_branch=True)
    project.protectedbranches.create({"name": made.source_branch})
    made.merge()
    assert made.source_branch in branches(project)


def test_who_may_merge_is_what_the_protection_says(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    made = open_request(project)
    theirs = person.client.projects.get(project.id).mergerequests.get(made.iid)
    assert theirs.user == {"can_merge": False}
    with refused(401, {"message": "401 Unauthorized"}):
        theirs.merge()
    project.protectedbranches.delete("main")
    project.protectedbranches.create({"name": "main", "push_access_level": 0, "merge_access_level": 30})
    theirs.merge()
    assert theirs.merge_user["id"] == person.id


def test_a_rebase_needs_the_right_to_push(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 20})
    made = open_request(project)
    commit_file(project, "main", "meanwhile.txt")
    theirs = person.client.projects.get(project.id, lazy=True).mergerequests.get(made.iid)
    with refused(403, {"message": "403 Forbidden - Cannot push to source branch"}):
        theirs.rebase()
    project.protectedbranches.create({"name": made.source_branch})
    with refused(403, {"message": "403 Forbidden - Source branch is protected from force push"}):
        made.rebase()
    project.protectedbranches.delete(made.source_branch)
    project.branches.delete(made.source_branch)
    with refused(403, {"message": "403 Forbidden - Source branch does not exist"}):
        made.rebase()


def test_a_rebase_leaves_out_what_is_there_already(project: Project) -> None:
    made = open_request(project)
    commit_file(project, made.source_branch, "second.txt")
    picked = project.commits.get(made.sha)
    picked_file = f"{made.source_branch}.txt"
    commit_file(project, "main", picked_file)
    made.rebase()
    assert [commit.title for commit in made.commits()] == [f"Write second.txt on {made.source_branch}"]
    assert picked.id not in [commit.id for commit in made.commits()]
