"""Merge requests and pipelines: what a project waits for, and merging by itself."""

from __future__ import annotations

import pytest
from gitlab.v4.objects import Project, ProjectMergeRequest

from tests.contract.gitlab.merge_request_support import commit_file, open_request, read
from tests.contract.gitlab.support import Person, refused

NOT_NOW = {"message": "405 Method Not Allowed"}


def report(project: Project, made: ProjectMergeRequest, state: str) -> None:
    """Let an outside tool say how a pipeline for the head stands."""
    project.commits.get(made.sha).statuses.create({"state": state, "name": "check", "ref": made.source_branch})


@pytest.fixture
def gated(project: Project) -> Project:
    """A project that merges only what its pipelines passed."""
    project.only_allow_merge_if_pipeline_succeeds = True
    project.save()
    return project


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ((), "ci_must_pass"),
        (("running",), "ci_still_running"),
        (("running", "failed"), "ci_must_pass"),
        (("running", "success"), "mergeable"),
    ],
)
def test_a_gated_project_waits_for_the_pipeline(gated: Project, states: tuple[str, ...], status: str) -> None:
    made = open_request(gated)
    for state in states:
        report(gated, made, state)
    found = read(made)
    assert found.detailed_merge_status == status
    if states:
        assert found.head_pipeline["status"] == states[-1]
        assert [each.sha for each in found.pipelines.list()] == [made.sha]
    if status == "mergeable":
        found.merge()
        assert found.state == "merged"
    else:
        with refused(405, NOT_NOW):
            found.merge()


def test_a_skipped_pipeline_counts_where_the_project_says_so(gated: Project) -> None:
    made = open_request(gated)
    report(gated, made, "skipped")
    assert read(made).detailed_merge_status == "ci_must_pass"
    gated.allow_merge_on_skipped_pipeline = True
    gated.save()
    assert read(made).detailed_merge_status == "mergeable"


def test_a_merge_comes_by_itself_when_the_pipeline_succeeds(gated: Project) -> None:
    made = open_request(gated)
    report(gated, made, "running")
    made.merge(merge_when_pipeline_succeeds=True, should_remove_source_branch=True, merge_commit_message="By itself")
    assert (made.state, made.merge_when_pipeline_succeeds, made.merge_user["username"]) == (
        "opened",
        True,
        "bighpc-bot",
    )
    report(gated, made, "success")
    found = read(made)
    assert (found.state, found.merge_when_pipeline_succeeds) == ("merged", False)
    assert gated.commits.get("main").message == "By itself"
    assert made.source_branch not in [branch.name for branch in gated.branches.list()]


def test_a_failed_pipeline_calls_the_merge_off(gated: Project) -> None:
    made = open_request(gated)
    report(gated, made, "running")
    made.merge(merge_when_pipeline_succeeds=True)
    report(gated, made, "failed")
    found = read(made)
    assert (found.state, found.merge_when_pipeline_succeeds) == ("opened", False)
    assert "ended as failed" in found.notes.list()[0].body


def test_a_push_calls_the_merge_off(gated: Project) -> None:
    made = open_request(gated)
    report(gated, made, "running")
    made.merge(merge_when_pipeline_succeeds=True)
    commit_file(gated, made.source_branch, "more.txt")
    report(gated, made, "success")
    found = read(made)
    assert (found.state, found.merge_when_pipeline_succeeds) == ("opened", False)


def test_somebody_calls_the_merge_off(gated: Project, person: Person) -> None:
    gated.members.create({"user_id": person.id, "access_level": 20})
    made = open_request(gated)
    with refused(406):
        made.cancel_merge_when_pipeline_succeeds()
    report(gated, made, "running")
    made.merge(merge_when_pipeline_succeeds=True)
    theirs = person.client.projects.get(gated.id, lazy=True).mergerequests.get(made.iid)
    with refused(401):
        theirs.cancel_merge_when_pipeline_succeeds()
    assert made.cancel_merge_when_pipeline_succeeds() == {"status": "success"}
    report(gated, made, "success")
    assert read(made).state == "opened"


def test_a_merge_that_waits_goes_on_with_the_last_approval(gated: Project, person: Person) -> None:
    gated.members.create({"user_id": person.id, "access_level": 30})
    gated.approvalrules.create({"name": "Reviewers", "approvals_required": 1, "user_ids": [person.id]})
    made = open_request(gated)
    report(gated, made, "running")
    made.merge(merge_when_pipeline_succeeds=True)
    report(gated, made, "success")
    assert read(made).state == "opened"
    person.client.projects.get(gated.id, lazy=True).mergerequests.get(made.iid).approve()
    assert read(made).state == "merged"


def test_without_a_pipeline_there_is_nothing_to_wait_for(project: Project) -> None:
    with refused(405, NOT_NOW):
        open_request(project).merge(merge_when_pipeline_succeeds=True)
