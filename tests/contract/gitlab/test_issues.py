"""Issues."""

from __future__ import annotations

from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Double, Person, refused


def test_an_issue_is_opened_changed_closed_and_opened_again(project: Project) -> None:
    made = project.issues.create({"title": "Drift", "description": "- [ ] repair", "labels": "drift,prod"})
    assert (made.iid, made.state, made.labels) == (1, "opened", ["drift", "prod"])
    assert made.task_completion_status == {"count": 1, "completed_count": 0}
    assert made.references["full"] == f"{project.path_with_namespace}#1"
    made.title, made.due_date, made.weight = "Drift in prod", "2027-01-31", 3
    made.state_event = "close"
    made.save()
    found = project.issues.get(1)
    assert (found.title, found.due_date, found.weight) == ("Drift in prod", "2027-01-31", 3)
    assert (found.state, found.attributes["closed_by"]["username"]) == ("closed", "bighpc-bot")
    again = project.issues.update(1, {"state_event": "reopen", "remove_labels": "prod", "due_date": ""})
    assert (again["state"], again["labels"], again["due_date"]) == ("opened", ["drift"], None)
    notes = [note.body for note in found.notes.list(sort="asc")]
    assert notes == ["changed title from **Drift** to **Drift in prod**", "closed", "reopened"]


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({}, {"error": "title is missing"}),
        ({"title": " "}, {"message": {"title": ["can't be blank"]}}),
        ({"title": "x", "issue_type": "wish"}, {"error": "issue_type does not have a valid value"}),
    ],
)
def test_an_issue_that_does_not_fit_is_refused(
    bot: gitlab.Gitlab, shared: Project, fields: dict[str, Any], body: dict[str, Any]
) -> None:
    with refused(400, body):
        bot.http_post(f"/projects/{shared.id}/issues", post_data=fields)


def test_issues_are_filtered(project: Project, group: Group, bot: gitlab.Gitlab) -> None:
    project.issues.create({"title": "One", "labels": "a"})
    project.issues.create({"title": "Two", "labels": "a,b"})
    project.issues.update(1, {"state_event": "close"})

    def found(**filters: Any) -> list[int]:
        return [each.iid for each in project.issues.list(**filters)]

    assert found() == [2, 1]
    assert found(state="opened") == [2]
    assert found(labels=["a", "b"]) == [2]
    (detailed,) = project.issues.list(iids=[1], with_labels_details=True)
    assert [label["name"] for label in detailed.labels] == ["a"]
    assert found(search="one") == [1]
    assert found(iids=[1], sort="asc") == [1]
    assert found(order_by="title", sort="asc") == [1, 2]
    assert [each.title for each in group.issues.list(state="opened")] == ["Two"]
    assert {each.title for each in bot.issues.list(search="Two", scope="created_by_me")} == {"Two"}
    with refused(400):
        found(state="strange")


def test_a_confidential_issue_is_for_insiders_and_those_involved(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 10})
    hidden = project.issues.create({"title": "Secret", "confidential": True})
    theirs = person.client.projects.get(project.id, lazy=True)
    assert theirs.issues.list() == []
    with refused(404, {"message": "404 Not found"}):
        theirs.issues.get(hidden.iid)
    project.issues.update(hidden.iid, {"assignee_ids": [person.id]})
    assert [each.iid for each in theirs.issues.list()] == [hidden.iid]


def test_who_may_do_what(project: Project, person: Person, double: Double) -> None:
    theirs = person.client.projects.get(project.id, lazy=True)
    with refused(404):
        theirs.issues.create({"title": "x"})
    with refused(401):
        double.client().http_post(f"/projects/{project.id}/issues", post_data={"title": "x"})
    project.members.create({"user_id": person.id, "access_level": 10})
    mine = project.issues.create({"title": "Mine"})
    own = theirs.issues.create({"title": "Theirs", "labels": "ignored"})
    assert own.labels == [], "labels of somebody without a role are left out, as GitLab does"
    theirs.issues.update(own.iid, {"title": "Still theirs"})
    with refused(403):
        theirs.issues.update(mine.iid, {"title": "Not theirs"})
    with refused(403):
        theirs.issues.delete(own.iid)
    project.issues.delete(own.iid)
    with refused(404):
        project.issues.get(own.iid)


def test_a_change_of_nothing_is_refused(bot: gitlab.Gitlab, project: Project) -> None:
    project.issues.create({"title": "x"})
    with refused(400):
        bot.http_put(f"/projects/{project.id}/issues/1", post_data={})
