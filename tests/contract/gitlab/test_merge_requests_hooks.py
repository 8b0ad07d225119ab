"""Web hooks about merge requests, comments and issues."""

from __future__ import annotations

import json
from typing import Any

import pytest
from gitlab.v4.objects import Project

from tests.contract.gitlab.merge_request_support import commit_file, open_request
from tests.contract.gitlab.support import Person, Receiver, refused


@pytest.fixture
def hooked(project: Project, receiver: Receiver) -> Project:
    """A project that tells the receiver about merge requests, comments and issues, and not about pushes."""
    wanted = dict.fromkeys(("merge_requests_events", "note_events", "confidential_note_events", "issues_events"), True)
    project.hooks.create({"url": receiver.url, "push_events": False, **wanted})
    return project


def take(receiver: Receiver) -> tuple[str, dict[str, Any]]:
    """The next event: its name and its payload."""
    headers, body = receiver.take()
    return headers["X-Gitlab-Event"], json.loads(body)


def test_a_merge_request_tells_of_its_life(hooked: Project, receiver: Receiver) -> None:
    made = open_request(hooked, title="Add it", labels="new")
    name, opened = take(receiver)
    attributes = opened["object_attributes"]
    assert (name, opened["object_kind"], attributes["action"]) == ("Merge Request Hook", "merge_request", "open")
    assert (attributes["iid"], attributes["state"], attributes["title"]) == (made.iid, "opened", "Add it")
    assert attributes["last_commit"]["id"] == made.sha
    assert attributes["source"]["path_with_namespace"] == opened["project"]["path_with_namespace"]
    assert [label["title"] for label in opened["labels"]] == ["new"]
    assert attributes["url"] == made.web_url

    commit_file(hooked, made.source_branch, "more.txt")
    _, pushed = take(receiver)
    assert (pushed["object_attributes"]["action"], pushed["object_attributes"]["oldrev"]) == ("update", made.sha)

    hooked.mergerequests.update(made.iid, {"title": "Add more"})
    _, renamed = take(receiver)
    assert renamed["changes"] == {"title": {"previous": "Add it", "current": "Add more"}}
    assert "oldrev" not in renamed["object_attributes"]
    hooked.mergerequests.update(made.iid, {"remove_labels": "new", "title": "Draft: Add more"})
    changes = take(receiver)[1]["changes"]
    assert changes["draft"] == {"previous": False, "current": True}
    assert ([label["title"] for label in changes["labels"]["previous"]], changes["labels"]["current"]) == (["new"], [])
    hooked.mergerequests.update(made.iid, {"title": "Add more"})
    take(receiver)

    for event, action in (("close", "close"), ("reopen", "reopen")):
        hooked.mergerequests.update(made.iid, {"state_event": event})
        assert take(receiver)[1]["object_attributes"]["action"] == action
    made.merge()
    _, merged = take(receiver)
    assert (merged["object_attributes"]["action"], merged["object_attributes"]["state"]) == ("merge", "merged")
    assert merged["object_attributes"]["merge_commit_sha"] == made.merge_commit_sha


def test_approvals_are_told(hooked: Project, receiver: Receiver, person: Person) -> None:
    hooked.members.create({"user_id": person.id, "access_level": 30})
    made = open_request(hooked)
    take(receiver)
    theirs = person.client.projects.get(hooked.id).mergerequests.get(made.iid)
    theirs.approve()
    _, approved = take(receiver)
    assert (approved["object_attributes"]["action"], approved["user"]["id"]) == ("approved", person.id)
    theirs.unapprove()
    assert take(receiver)[1]["object_attributes"]["action"] == "unapproved"


def test_comments_are_told(hooked: Project, receiver: Receiver) -> None:
    made = open_request(hooked)
    take(receiver)
    note = made.notes.create({"body": "Hello"})
    name, said = take(receiver)
    assert (name, said["object_kind"], said["merge_request"]["iid"]) == ("Note Hook", "note", made.iid)
    assert (said["object_attributes"]["note"], said["object_attributes"]["action"]) == ("Hello", "create")
    assert said["object_attributes"]["url"] == f"{made.web_url}#note_{note.id}"
    note.body = "Hello again"
    note.save()
    assert take(receiver)[1]["object_attributes"]["action"] == "update"
    made.notes.create({"body": "Between us", "internal": True})
    assert take(receiver)[0] == "Confidential Note Hook"


def test_issues_are_told(hooked: Project, receiver: Receiver) -> None:
    issue = hooked.issues.create({"title": "Drift", "labels": "drift"})
    name, opened = take(receiver)
    assert (name, opened["object_attributes"]["action"]) == ("Issue Hook", "open")
    assert (opened["object_attributes"]["iid"], opened["object_attributes"]["title"]) == (issue.iid, "Drift")
    issue.notes.create({"body": "Seen"})
    assert take(receiver)[1]["issue"]["iid"] == issue.iid
    issue.state_event = "close"
    issue.save()
    assert take(receiver)[1]["object_attributes"]["action"] == "close"


def test_a_hook_hears_only_what_it_asked_for(project: Project, receiver: Receiver) -> None:
    project.hooks.create({"url": receiver.url, "push_events": False, "issues_events": True})
    open_request(project)
    project.issues.create({"title": "Only this"})
    assert take(receiver)[0] == "Issue Hook"


def test_a_hook_is_tried_out_with_the_newest_merge_request(project: Project, receiver: Receiver) -> None:
    hook = project.hooks.create({"url": receiver.url, "push_events": False})
    with refused(422, {"message": "Ensure the project has merge requests."}):
        hook.test("merge_requests_events")
    made = open_request(project)
    hook.test("merge_requests_events")
    name, told = take(receiver)
    assert (name, told["object_attributes"]["iid"]) == ("Merge Request Hook", made.iid)
