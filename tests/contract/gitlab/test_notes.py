"""Comments, threads and reactions on merge requests and issues."""

from __future__ import annotations

from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Project, ProjectIssue, ProjectMergeRequest

from tests.contract.gitlab.merge_request_support import open_request, read
from tests.contract.gitlab.support import Double, Person, make_person, refused

Item = ProjectMergeRequest | ProjectIssue


@pytest.fixture(scope="module")
def place(bot: gitlab.Gitlab, shared: Project) -> Project:
    """A project for all tests of this module; each opens what it talks about."""
    group = shared.namespace["id"]
    made = bot.projects.create({"name": "talk", "namespace_id": group, "initialize_with_readme": True})
    assert isinstance(made, Project)
    return made


@pytest.fixture(params=["merge request", "issue"])
def item(request: pytest.FixtureRequest, place: Project) -> Item:
    """A merge request in one run, an issue in the other."""
    if request.param == "issue":
        made = place.issues.create({"title": "Talk"})
        assert isinstance(made, ProjectIssue)
        return made
    return open_request(place)


@pytest.fixture(scope="module")
def guest(double: Double, root: gitlab.Gitlab, place: Project) -> Person:
    """Somebody who may hardly do anything in the project."""
    person = make_person(double, root)
    place.members.create({"user_id": person.id, "access_level": 10})
    return person


@pytest.fixture(scope="module")
def developer(double: Double, root: gitlab.Gitlab, place: Project) -> Person:
    """Somebody who works on the project."""
    person = make_person(double, root)
    place.members.create({"user_id": person.id, "access_level": 30})
    return person


def theirs(person: Person, item: Item, *, lazy: bool = True) -> Any:
    """The same thing, through somebody else's client."""
    project = person.client.projects.get(item.project_id, lazy=True)
    manager = project.issues if isinstance(item, ProjectIssue) else project.mergerequests
    return manager.get(item.iid, lazy=lazy)


def test_a_note_is_made_read_changed_and_removed(item: Item) -> None:
    marked = "<!-- bighpc:review -->\nAll **good**"
    note = item.notes.create({"body": marked})
    found = item.notes.get(note.id)
    assert (found.body, found.author["username"], found.system, found.type) == (marked, "bighpc-bot", False, None)
    assert (found.noteable_iid, found.resolvable, found.internal) == (item.iid, False, False)
    note.body = f"{marked} now"
    note.save()
    assert [each.body for each in item.notes.list()] == [f"{marked} now"]
    note.delete()
    with refused(404, {"message": "404 Not found"}):
        item.notes.get(note.id)


def test_notes_are_sorted_and_filtered(item: Item) -> None:
    for body in ("one", "two"):
        item.notes.create({"body": body})
    item.state_event = "close"
    item.save()
    assert [note.body for note in item.notes.list()] == ["closed", "two", "one"]
    assert [note.body for note in item.notes.list(sort="asc", order_by="updated_at")] == ["one", "two", "closed"]
    assert [note.body for note in item.notes.list(activity_filter="only_activity")] == ["closed"]
    assert [note.body for note in item.notes.list(activity_filter="only_comments", per_page=1, page=2)] == ["one"]
    with refused(400, {"error": "sort does not have a valid value"}):
        item.notes.list(sort="up")


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({}, {"error": "body is missing"}),
        ({"body": " "}, {"message": '400 Bad request - Note {:note=>["can\'t be blank"]}'}),
        (
            {"body": "x" * 1_000_001},
            {"message": '400 Bad request - Note {:note=>["is too long (maximum is 1000000 characters)"]}'},
        ),
    ],
)
def test_a_note_that_does_not_fit_is_refused(item: Item, fields: dict[str, Any], body: dict[str, str]) -> None:
    with refused(400, body):
        item.manager.gitlab.http_post(f"{item.notes.path}", post_data=fields)
    assert item.notes.list() == []


def test_the_longest_note_is_taken(item: Item) -> None:
    assert len(item.notes.create({"body": "x" * 1_000_000}).body) == 1_000_000


def test_notes_belong_to_their_authors(item: Item, developer: Person) -> None:
    note = item.notes.create({"body": "mine"})
    other = theirs(developer, item)
    with refused(403, {"message": "403 Forbidden"}):
        other.notes.update(note.id, {"body": "theirs"})
    with refused(403):
        other.notes.delete(note.id)
    reply = other.notes.create({"body": "hello"})
    item.notes.update(reply.id, {"body": "moderated"})
    item.notes.delete(reply.id)
    assert [each.body for each in item.notes.list()] == ["mine"]


def test_what_the_system_noted_stays(item: Item) -> None:
    item.state_event = "close"
    item.save()
    (note,) = item.notes.list()
    with refused(403):
        note.delete()


def test_internal_notes_are_for_insiders(place: Project, guest: Person) -> None:
    issue = place.issues.create({"title": "Talk"})
    assert isinstance(issue, ProjectIssue)
    hidden = issue.notes.create({"body": "between us", "internal": True})
    outside = theirs(guest, issue)
    assert (hidden.internal, outside.notes.list()) == (True, [])
    with refused(404):
        outside.notes.get(hidden.id)
    assert outside.discussions.list() == []
    with refused(403):
        outside.notes.create({"body": "me too", "internal": True})


def test_who_cannot_see_it_says_nothing(item: Item, person: Person, double: Double) -> None:
    with refused(404):
        theirs(person, item).notes.create({"body": "hello"})
    with refused(401):
        double.client().http_post(f"{item.notes.path}", post_data={"body": "hello"})


def test_a_locked_discussion_is_for_members(place: Project, guest: Person) -> None:
    issue = place.issues.create({"title": "Talk", "discussion_locked": True})
    place.issues.update(issue.iid, {"discussion_locked": True})
    assert isinstance(issue, ProjectIssue)
    with refused(403):
        theirs(guest, issue).notes.create({"body": "hello"})
    issue.notes.create({"body": "members may"})


def test_a_thread_is_begun_and_answered(item: Item) -> None:
    thread = item.discussions.create({"body": "Why?"})
    assert len(thread.id) == 40
    thread.notes.create({"body": "Because."})
    found = item.discussions.get(thread.id)
    assert [note["body"] for note in found.attributes["notes"]] == ["Why?", "Because."]
    assert {note["type"] for note in found.attributes["notes"]} == {"DiscussionNote"}
    assert not found.individual_note
    item.notes.create({"body": "by itself"})
    assert [each.individual_note for each in item.discussions.list()] == [False, True]
    with refused(404, {"message": "404 Discussion Not Found"}):
        item.discussions.get("0" * 40)


def test_a_note_becomes_a_thread_by_an_answer(item: Item) -> None:
    item.notes.create({"body": "By the way"})
    (single,) = item.discussions.list()
    assert single.individual_note
    single.notes.create({"body": "Indeed"})
    assert not item.discussions.get(single.id).individual_note


def test_a_note_of_a_thread_is_changed_and_removed(item: Item) -> None:
    thread = item.discussions.create({"body": "Why?"})
    reply = thread.notes.create({"body": "Becuse."})
    thread.notes.update(reply.id, {"body": "Because."})
    assert thread.notes.get(reply.id).body == "Because."
    with refused(400):
        item.manager.gitlab.http_put(f"{thread.notes.path}/{reply.id}", post_data={})
    thread.notes.delete(reply.id)
    with refused(404):
        thread.notes.get(reply.id)


def test_a_thread_is_resolved_and_opened_again(place: Project, developer: Person) -> None:
    made = open_request(place)
    thread = made.discussions.create({"body": "Why?"})
    made.discussions.create({"body": "And this?"})
    theirs(developer, made).discussions.update(thread.id, {"resolved": True})
    (note,) = made.discussions.get(thread.id).attributes["notes"]
    assert (note["resolvable"], note["resolved"], note["resolved_by"]["id"]) == (True, True, developer.id)
    assert not read(made).blocking_discussions_resolved
    for each in made.discussions.list():
        made.discussions.update(each.id, {"resolved": True})
    assert read(made).blocking_discussions_resolved
    thread.notes.update(note["id"], {"resolved": False})
    assert not read(made).blocking_discussions_resolved


def test_a_thread_without_anything_to_resolve_is_refused(place: Project) -> None:
    made = open_request(place)
    made.notes.create({"body": "by itself"})
    (single,) = made.discussions.list()
    with refused(403):
        made.discussions.update(single.id, {"resolved": True})


def test_a_thread_is_about_a_line(place: Project) -> None:
    made = open_request(place)
    position = {**made.diff_refs, "position_type": "text", "new_path": f"{made.source_branch}.txt", "new_line": 1}
    thread = made.discussions.create({"body": "This line", "position": position})
    (note,) = made.discussions.get(thread.id).attributes["notes"]
    assert (note["type"], note["position"]["new_line"]) == ("DiffNote", 1)
    with refused(400):
        made.discussions.create({"body": "Nowhere", "position": {**position, "head_sha": "0" * 40}})
    with refused(400):
        made.discussions.create({"body": "No line", "position": {**position, "new_line": None}})
    with refused(400, {"error": "position[base_sha] is missing"}):
        made.discussions.create({"body": "No base", "position": {"position_type": "text", **_without(position)}})


def _without(position: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in position.items() if name != "base_sha"}


def test_reactions_come_and_go(item: Item, developer: Person) -> None:
    award = item.awardemojis.create({"name": "thumbsup"})
    assert (award.awardable_type, award.user["username"]) == (type(item).__name__.removeprefix("Project"), "bighpc-bot")
    assert theirs(developer, item, lazy=False).upvotes == 1
    with refused(404):
        item.awardemojis.create({"name": "thumbsup"})
    with refused(404):
        item.awardemojis.create({"name": "no such thing!"})
    with refused(403):
        theirs(developer, item).awardemojis.delete(award.id)
    item.awardemojis.delete(award.id)
    assert item.awardemojis.list() == []


def test_notes_are_reacted_to(item: Item) -> None:
    note = item.notes.create({"body": "Done"})
    award = note.awardemojis.create({"name": "rocket"})
    assert [each.name for each in note.awardemojis.list()] == ["rocket"]
    assert item.awardemojis.list() == [], "a reaction to a note is none to the whole"
    assert note.awardemojis.get(award.id).awardable_type == "Note"
