"""Merge requests: opening, finding, reading, changing, closing."""

from __future__ import annotations

from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project, ProjectMergeRequest

from tests.contract.gitlab.merge_request_support import commit_file, open_request, read
from tests.contract.gitlab.support import Double, Git, Person, make_person, refused


def open_request_from(project: Project, branch: str, **fields: Any) -> ProjectMergeRequest:
    """A merge request from a branch that is made for it."""
    commit_file(project, branch, f"{branch}.txt", content=f"{len(project.commits.list())}\n")
    return open_request(project, source_branch=branch, **fields)


def test_a_merge_request_is_opened_and_read(project: Project) -> None:
    sha = commit_file(project, "topic", "topic.txt")
    made = project.mergerequests.create(
        {"source_branch": "topic", "target_branch": "main", "title": "Draft: Topic", "description": "- [x] a\n- [ ] b"}
    )
    found = project.mergerequests.get(made.iid)
    assert (found.iid, found.state, found.sha, found.draft) == (1, "opened", sha, True)
    assert found.diff_refs["head_sha"] == sha
    assert found.diff_refs["base_sha"] == found.diff_refs["start_sha"] == project.branches.get("main").commit["id"]
    assert (found.changes_count, found.has_conflicts, found.merge_status) == ("1", False, "can_be_merged")
    assert found.detailed_merge_status == "draft_status"
    assert found.references == {"short": "!1", "relative": "!1", "full": f"{project.path_with_namespace}!1"}
    assert found.task_completion_status == {"count": 2, "completed_count": 1}
    assert found.user == {"can_merge": True}
    assert found.web_url.endswith(f"{project.path_with_namespace}/-/merge_requests/1")
    assert found.author["username"] == "bighpc-bot"


@pytest.mark.parametrize(
    ("fields", "status", "body"),
    [
        ({"source_branch": "main"}, 422, {"message": ["You can't use same project/branch for source and target"]}),
        ({"source_branch": "gone"}, 400, {"message": {"source_branch": ["does not exist"]}}),
        ({"target_branch": "gone"}, 400, {"message": {"target_branch": ["does not exist"]}}),
        ({"title": " "}, 400, {"message": {"title": ["can't be blank"]}}),
        ({"title": "x" * 256}, 400, {"message": {"title": ["is too long (maximum is 255 characters)"]}}),
        ({"target_project_id": 999_999}, 404, {"message": "404 Project Not Found"}),
        ({"source_branch": ""}, 400, {"error": "source_branch is empty"}),
    ],
)
def test_a_merge_request_that_does_not_fit_is_refused(
    shared: Project, fields: dict[str, Any], status: int, body: Any
) -> None:
    if "ready" not in [branch.name for branch in shared.branches.list()]:
        commit_file(shared, "ready", "ready.txt")
    with refused(status, body):
        shared.mergerequests.create({"source_branch": "ready", "target_branch": "main", "title": "T", **fields})
    assert shared.mergerequests.list() == []


def test_a_branch_has_one_open_merge_request_to_a_target(project: Project) -> None:
    first = open_request_from(project, "topic")
    with refused(409, {"message": ["Another open merge request already exists for this source branch: !1"]}):
        open_request(project, source_branch="topic")
    first.state_event = "close"
    first.save()
    assert open_request(project, source_branch="topic").iid == 2
    with refused(409):
        project.mergerequests.update(1, {"state_event": "reopen"})


def test_who_may_not_push_opens_no_merge_request(project: Project, person: Person, double: Double) -> None:
    commit_file(project, "topic", "topic.txt")
    wanted = {"source_branch": "topic", "target_branch": "main", "title": "T"}
    with refused(404):
        person.client.http_post(f"/projects/{project.id}/merge_requests", post_data=wanted)
    project.members.create({"user_id": person.id, "access_level": 20})
    with refused(403):
        person.client.http_post(f"/projects/{project.id}/merge_requests", post_data=wanted)
    with refused(401):
        double.client().http_post(f"/projects/{project.id}/merge_requests", post_data=wanted)


def test_merge_requests_are_filtered(project: Project, group: Group, bot: gitlab.Gitlab) -> None:
    one = open_request_from(project, "one", title="Alpha", labels="red,blue")
    two = open_request_from(project, "two", title="Draft: Beta", description="about Alpha too")
    two.state_event = "close"
    two.save()

    def found(**filters: Any) -> list[int]:
        return [each.iid for each in project.mergerequests.list(**filters)]

    assert found() == [2, 1]
    assert found(sort="asc") == [1, 2]
    assert found(state="opened") == [1]
    assert found(state="closed") == [2]
    assert found(source_branch="two") == [2]
    assert found(target_branch="elsewhere") == []
    assert found(labels=["red", "blue"]) == [1]
    assert found(labels=["red", "green"]) == []
    assert found(labels=["None"]) == [2]
    assert found(search="alpha") == [2, 1]
    assert found(search="alpha", **{"in": "title"}) == [1]
    assert found(iids=[1]) == [1]
    assert found(wip="yes") == [2]
    assert found(author_username="bighpc-bot") == [2, 1]
    assert found(assignee_id="Any") == []
    (detailed,) = project.mergerequests.list(state="opened", with_labels_details=True)
    assert [(label["name"], label["text_color"]) for label in detailed.labels] == [
        ("blue", "#FFFFFF"),
        ("red", "#FFFFFF"),
    ]
    assert [each.title for each in group.mergerequests.list(state="opened")] == ["Alpha"]
    mine = bot.mergerequests.list(scope="created_by_me", state="opened", search="Alpha")
    assert [each.id for each in mine] == [one.id]
    with refused(400, {"error": "state does not have a valid value"}):
        found(state="strange")


def test_lists_show_only_what_the_actor_may_read(project: Project, person: Person, double: Double) -> None:
    made = open_request(project)
    assert person.client.mergerequests.list(scope="all", search=made.title) == []
    project.members.create({"user_id": person.id, "access_level": 10})
    assert person.client.mergerequests.list(scope="all", search=made.title) == []
    theirs = person.client.projects.get(project.id, lazy=True)
    with refused(403):
        theirs.mergerequests.list()
    with refused(404, {"message": "404 Not found"}):
        theirs.mergerequests.get(made.iid)
    with refused(401):
        double.client().mergerequests.list()


def test_labels_and_people_are_set_and_changed(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    made = open_request(project, labels="b,a", assignee_ids=[person.id, 999_999], reviewer_ids=[person.id])
    assert (made.labels, [each["id"] for each in made.assignees]) == (["a", "b"], [person.id])
    assert made.assignee["id"] == made.reviewers[0]["id"] == person.id
    assert {label.name for label in project.labels.list()} == {"a", "b"}, "labels are made when they are missing"
    changed = project.mergerequests.update(made.iid, {"add_labels": "c", "remove_labels": "a", "assignee_ids": [0]})
    assert (changed["labels"], changed["assignees"]) == (["b", "c"], [])


def test_a_title_is_marked_ready(project: Project) -> None:
    made = open_request(project, title="Draft: Work")
    made.title = "Work"
    made.save()
    assert read(made).detailed_merge_status == "mergeable"
    assert "marked this merge request as **ready**" in [note.body for note in made.notes.list()]


def test_the_target_branch_is_changed(project: Project) -> None:
    commit_file(project, "other", "other.txt")
    made = open_request(project)
    made.target_branch = "other"
    made.save()
    assert read(made).diff_refs["start_sha"] == project.branches.get("other").commit["id"]
    with refused(400, {"message": {"target_branch": ["does not exist"]}}):
        project.mergerequests.update(made.iid, {"target_branch": "gone"})
    assert read(made).target_branch == "other"
    with refused(400):
        project.mergerequests.update(made.iid, {})


def test_a_merge_request_is_closed_and_opened_again(project: Project) -> None:
    made = open_request(project)
    made.state_event = "close"
    made.save()
    assert (made.state, made.closed_by["username"], made.detailed_merge_status) == ("closed", "bighpc-bot", "not_open")
    commit_file(project, "later", "later.txt", start=made.source_branch)
    again = project.mergerequests.update(made.iid, {"state_event": "reopen"})
    assert (again["state"], again["closed_at"]) == ("opened", None)
    assert len(made.diffs.list()) == 1, "nothing was pushed meanwhile, so there is no new version"
    assert [note.body for note in made.notes.list(sort="asc")] == ["closed", "reopened"]


def test_only_the_author_and_developers_change_it_and_owners_remove_it(project: Project, person: Person) -> None:
    made = open_request(project)
    project.members.create({"user_id": person.id, "access_level": 20})
    manager = person.client.projects.get(project.id, lazy=True).mergerequests
    with refused(403):
        manager.update(made.iid, {"title": "Theirs"})
    with refused(403):
        manager.delete(made.iid)
    made.delete()
    with refused(404):
        project.mergerequests.get(made.iid)


def test_an_archived_project_changes_nothing_any_more(project: Project) -> None:
    made = open_request(project)
    issue = project.issues.create({"title": "x"})
    project.archive()
    with refused(403):
        project.mergerequests.update(made.iid, {"title": "y"})
    with refused(403):
        made.notes.create({"body": "y"})
    with refused(401):
        made.merge()
    with refused(403):
        project.issues.update(issue.iid, {"title": "y"})
    assert read(made).title == made.title


def test_commits_and_differences(project: Project, bot: gitlab.Gitlab) -> None:
    made = open_request_from(project, "topic")
    second = commit_file(project, "second", "second.txt", start="topic")
    project.commits.create(
        {
            "branch": "topic",
            "commit_message": "More",
            "actions": [{"action": "update", "file_path": "README.md", "content": "new\n"}],
        }
    )
    assert [commit.title for commit in made.commits()] == ["More", "Write topic.txt on topic"]
    changes = made.changes()
    assert isinstance(changes, dict)
    assert [change["new_path"] for change in changes["changes"]] == ["README.md", "topic.txt"]
    page = bot.http_list(f"/projects/{project.id}/merge_requests/1/diffs", per_page=1, page=2)
    assert [diff["new_path"] for diff in page] == ["topic.txt"]
    raw = bot.http_request("get", f"/projects/{project.id}/merge_requests/1/raw_diffs")
    assert "diff --git a/topic.txt b/topic.txt" in raw.text
    assert second not in [commit.id for commit in made.commits()]


def test_a_commit_knows_its_merge_requests(project: Project) -> None:
    made = open_request(project)
    other = open_request(project)
    assert [each["iid"] for each in project.commits.get(made.sha).merge_requests()] == [made.iid]
    made.merge()
    assert [each["iid"] for each in project.commits.get("main").merge_requests()] == [made.iid]
    assert [each["iid"] for each in project.commits.get(other.sha).merge_requests()] == [other.iid]
    with refused(404):
        project.manager.gitlab.http_get(f"/projects/{project.id}/repository/commits/{'0' * 40}/merge_requests")


def test_each_push_is_a_version_with_a_note(project: Project, clone: Git) -> None:
    made = open_request_from(project, "topic")
    clone("fetch", "--quiet")
    clone("switch", "--quiet", "topic")
    sha = clone.commit("more.txt", "more", "Add more")
    clone("push", "--quiet")
    assert read(made).sha == sha
    versions = made.diffs.list()
    assert [version.head_commit_sha for version in versions] == [sha, versions[1].head_commit_sha]
    detail = made.diffs.get(versions[0].id)
    assert [commit["title"] for commit in detail.commits] == ["Add more", "Write topic.txt on topic"]
    assert [diff["new_path"] for diff in detail.diffs] == ["more.txt", "topic.txt"]
    (note,) = made.notes.list()
    assert note.system
    assert note.body.startswith(f"added 1 commit\n\n<ul><li>{sha[:8]} - Add more</li></ul>")
    with refused(404):
        made.diffs.get(999_999)


def test_git_fetches_the_head_and_pushes_no_merge_request_ref(project: Project, clone: Git) -> None:
    made = open_request(project)
    clone("fetch", "--quiet", "origin", "refs/merge-requests/1/head")
    assert clone("rev-parse", "FETCH_HEAD").strip() == made.sha
    clone("fetch", "--quiet", "origin", "refs/merge-requests/1/merge")
    assert clone("log", "-1", "--format=%P", "FETCH_HEAD").split()[1] == made.sha
    assert clone.run("push", "origin", "HEAD:refs/merge-requests/1/head", "--force").returncode != 0
    assert clone("ls-remote", "origin", "refs/merge-requests/1/head").startswith(made.sha)


def test_a_merge_request_ends_with_its_source_branch(project: Project) -> None:
    made = open_request_from(project, "topic")
    project.branches.delete("topic")
    assert read(made).state == "closed"
    assert [commit.title for commit in made.commits()] == ["Write topic.txt on topic"], "what was asked for stays"


def test_commits_that_were_pushed_to_the_target_are_merged(project: Project, clone: Git) -> None:
    made = open_request_from(project, "topic")
    clone("fetch", "--quiet")
    clone("merge", "--quiet", "--no-ff", "--message", "By hand", "origin/topic")
    clone("push", "--quiet")
    made = read(made)
    assert (made.state, made.merge_user["username"]) == ("merged", "bighpc-bot")


def test_a_pipeline_is_not_started_without_a_configuration(project: Project) -> None:
    made = open_request(project)
    assert made.pipelines.list() == []
    with refused(405):
        made.pipelines.create()


def test_people_around_a_merge_request(project: Project, double: Double, root: gitlab.Gitlab) -> None:
    reviewer = make_person(double, root)
    project.members.create({"user_id": reviewer.id, "access_level": 30})
    made = open_request(project, reviewer_ids=[reviewer.id])
    reviewer.client.projects.get(project.id).mergerequests.get(made.iid).notes.create({"body": "Looks good"})
    assert [each["username"] for each in made.participants()] == ["bighpc-bot", reviewer.username]
    assert [each.user["id"] for each in made.reviewer_details.list()] == [reviewer.id]
    assert list(made.closes_issues()) == []
