"""Commit statuses of outside tools."""

from __future__ import annotations

from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Project, ProjectCommit

from testbed.gitlab.pipelines.statuses import compose, compose_needs
from tests.contract.gitlab.support import Double, make_person, refused


class Job:
    """A status, with or without the right to fail."""

    def __init__(self, text: str) -> None:
        self.status = text.removesuffix("?")
        self.allow_failure = text.endswith("?")


@pytest.mark.parametrize(
    ("jobs", "whole"),
    [
        ("", "success"),
        ("success", "success"),
        ("success skipped", "success"),
        ("skipped", "skipped"),
        ("manual?", "skipped"),
        ("success manual?", "success"),
        ("success failed?", "success"),
        ("failed? created", "created"),
        ("created", "created"),
        ("pending created", "pending"),
        ("success pending", "running"),
        ("running", "running"),
        ("success created", "running"),
        ("success failed", "failed"),
        ("failed created", "running"),
        ("failed running", "running"),
        ("success canceled", "canceled"),
        ("failed canceled", "failed"),
        ("canceling running", "canceling"),
        ("manual", "manual"),
        ("success manual created", "manual"),
        ("scheduled success", "scheduled"),
        ("waiting_for_resource success", "waiting_for_resource"),
        ("preparing", "preparing"),
    ],
)
def test_jobs_together_have_gitlabs_status(jobs: str, whole: str) -> None:
    assert compose([Job(each) for each in jobs.split()]) == whole


@pytest.mark.parametrize(
    ("jobs", "whole"),
    [
        ("", "success"),
        ("success", "success"),
        ("success failed?", "success"),
        ("failed", "failed"),
        ("success skipped", "skipped"),
        ("success manual?", "skipped"),
        ("success manual", "pending"),
        ("success running", "pending"),
        ("created", "pending"),
        ("canceled success", "canceled"),
    ],
)
def test_needed_jobs_must_all_have_run(jobs: str, whole: str) -> None:
    assert compose_needs([Job(each) for each in jobs.split()]) == whole


@pytest.fixture
def commit(project: Project) -> ProjectCommit:
    """The head of a project without pipelines."""
    found = project.commits.get("main")
    assert isinstance(found, ProjectCommit)
    return found


def say(commit: ProjectCommit, state: str, **facts: Any) -> dict[str, Any]:
    return commit.statuses.create({"state": state, **facts}).attributes


def test_a_status_makes_a_pipeline_and_moves_it(project: Project, commit: ProjectCommit) -> None:
    first = say(commit, "pending", name="scan", target_url="https://example.com/1", description="waits")
    assert (first["status"], first["ref"], first["sha"]) == ("pending", "main", commit.id)
    pipeline = project.pipelines.get(first["pipeline_id"])
    assert (pipeline.source, pipeline.status) == ("external", "pending")
    again = say(commit, "running", name="scan")
    assert again["id"] == first["id"]
    assert again["target_url"] == "https://example.com/1"
    done = say(commit, "success", name="scan", coverage=91.5)
    assert (done["id"], done["coverage"]) == (first["id"], 91.5)
    found = project.pipelines.get(first["pipeline_id"])
    assert (found.status, found.coverage) == ("success", "91.50")
    head = project.commits.get("main")
    assert (head.status, head.last_pipeline["id"]) == ("success", pipeline.id)


def test_statuses_of_several_tools_are_one_pipeline(project: Project, commit: ProjectCommit) -> None:
    one, other = say(commit, "success", name="one"), say(commit, "failed", context="other")
    assert one["pipeline_id"] == other["pipeline_id"]
    assert project.pipelines.get(one["pipeline_id"]).status == "failed"
    assert {each.name for each in commit.statuses.list()} == {"one", "other"}
    assert [each.status for each in commit.statuses.list(name="other")] == ["failed"]


def test_a_status_that_ended_begins_anew(commit: ProjectCommit) -> None:
    first, second = say(commit, "failed"), say(commit, "success")
    assert first["id"] != second["id"]
    assert first["name"] == "default"
    assert [each.status for each in commit.statuses.list()] == ["success"]
    assert [each.status for each in commit.statuses.list(query_parameters={"all": True})] == ["failed", "success"]


@pytest.mark.parametrize(
    ("before", "after", "event"), [("pending", "pending", "enqueue"), ("running", "running", "run")]
)
def test_a_step_that_leads_nowhere_is_refused(commit: ProjectCommit, before: str, after: str, event: str) -> None:
    say(commit, before)
    reason = f'Cannot transition status via :{event} from :{before} (Reason(s): Status cannot transition via "{event}")'
    with refused(400, {"message": reason}):
        say(commit, after)


def test_what_is_wrong_with_a_request_is_said(
    double: Double, root: gitlab.Gitlab, project: Project, commit: ProjectCommit
) -> None:
    with refused(400, {"error": "state does not have a valid value"}):
        say(commit, "brilliant")
    with refused(404, {"message": "404 Pipeline for pipeline_id, sha and ref Not Found"}):
        say(commit, "success", pipeline_id=999_999)
    with refused(404, {"message": "404 Commit Not Found"}):
        project.manager.gitlab.http_post(f"/projects/{project.id}/statuses/{'a' * 40}", post_data={"state": "success"})
    reporter = make_person(double, root)
    project.members.create({"user_id": reporter.id, "access_level": 20})
    theirs = reporter.client.projects.get(project.id).commits.get("main")
    with refused(403):
        theirs.statuses.create({"state": "success"})
    assert theirs.statuses.list() == []
    with refused(401):
        double.client().http_post(f"/projects/{project.id}/statuses/{commit.id}", post_data={"state": "success"})
