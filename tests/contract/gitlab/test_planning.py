"""Labels, boards, milestones and badges of groups and projects."""

from __future__ import annotations

from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Person, refused


@pytest.fixture(params=["group", "project"])
def owner(request: pytest.FixtureRequest) -> Group | Project:
    """A group in one run, a project in the other: most of this works in both."""
    found: Group | Project = request.getfixturevalue(request.param)
    return found


def test_a_label_is_created_read_changed_and_removed(owner: Group | Project) -> None:
    label = owner.labels.create({"name": "type::bug", "color": "#d9534f", "description": "Broken"})
    assert (label.name, label.color, label.text_color, label.description) == (
        "type::bug",
        "#d9534f",
        "#FFFFFF",
        "Broken",
    )
    assert owner.labels.get("type::bug").id == owner.labels.get(label.id).id == label.id
    changed = owner.labels.update("type::bug", {"new_name": "type::defect", "color": "green"})
    assert (changed["name"], changed["color"], changed["id"]) == ("type::defect", "#008000", label.id)
    owner.labels.delete("type::defect")
    with refused(404, {"message": "404 Label Not Found"}):
        owner.labels.get(label.id)


@pytest.mark.parametrize("kind", ["groups", "projects"])
@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"color": "#fff"}, {"error": "name is missing"}),
        ({"name": "x"}, {"error": "color is missing"}),
        ({"name": "x", "color": "reddish"}, {"message": {"color": ["must be a valid color code"]}}),
        ({"name": "a,b", "color": "#fff"}, {"message": {"title": ["is invalid"]}}),
        ({"name": " ", "color": "#fff"}, {"message": {"title": ["can't be blank"]}}),
    ],
)
def test_a_label_that_does_not_fit_is_refused(
    bot: gitlab.Gitlab, shared: Project, kind: str, fields: dict[str, Any], body: dict[str, Any]
) -> None:
    owner = shared.id if kind == "projects" else shared.namespace["id"]
    with refused(400, body):
        bot.http_post(f"/{kind}/{owner}/labels", post_data=fields)


def test_a_label_is_there_once_on_a_line_of_groups(group: Group, project: Project) -> None:
    group.labels.create({"name": "shared", "color": "#fff"})
    for owner in (group, project):
        with refused(409, {"message": "Label already exists"}):
            owner.labels.create({"name": "shared", "color": "#000"})


def test_a_project_shows_the_labels_of_its_groups(group: Group, project: Project) -> None:
    group.labels.create({"name": "theirs", "color": "#fff"})
    project.labels.create({"name": "ours", "color": "#fff", "priority": 3})
    seen = {each.name: each for each in project.labels.list()}
    assert {name: each.is_project_label for name, each in seen.items()} == {"ours": True, "theirs": False}
    assert (seen["ours"].priority, seen["theirs"].priority) == (3, None)
    assert [each.name for each in project.labels.list(include_ancestor_groups=False)] == ["ours"]
    assert [each.name for each in project.labels.list(search="THEI")] == ["theirs"]


def test_a_label_becomes_one_of_the_group(group: Group, project: Project) -> None:
    project.labels.create({"name": "wide", "color": "#fff"}).promote()
    assert [each.name for each in group.labels.list()] == ["wide"]


def test_a_change_of_nothing_is_refused(owner: Group | Project) -> None:
    owner.labels.create({"name": "l", "color": "#fff"})
    with refused(400):
        owner.labels.update("l", {})


def test_a_guest_creates_no_label(group: Group, person: Person) -> None:
    group.members.create({"user_id": person.id, "access_level": 10})
    with refused(403, {"message": "403 Forbidden"}):
        person.client.groups.get(group.id).labels.create({"name": "l", "color": "#fff"})


def test_a_board_gets_lists_in_order(owner: Group | Project) -> None:
    labels = [owner.labels.create({"name": name, "color": "#fff"}) for name in ("todo", "doing", "done")]
    board = owner.boards.create({"name": "Work"})
    made = [board.lists.create({"label_id": label.id}) for label in labels]
    assert [each.position for each in made] == [0, 1, 2]
    made[2].position = 0
    made[2].save()
    assert [each.label["name"] for each in board.lists.list()] == ["done", "todo", "doing"]
    board.lists.delete(made[0].id)
    assert [(each.label["name"], each.position) for each in board.lists.list()] == [("done", 0), ("doing", 1)]


def test_a_board_is_renamed_narrowed_and_removed(owner: Group | Project) -> None:
    label = owner.labels.create({"name": "only", "color": "#fff"})
    milestone = owner.milestones.create({"title": "M1"})
    board = owner.boards.create({"name": "Work"})
    owner.boards.update(board.id, {"name": "Plan", "labels": "only", "milestone_id": milestone.id, "weight": 2})
    seen = owner.boards.get(board.id)
    assert (seen.name, seen.weight, seen.milestone["id"]) == ("Plan", 2, milestone.id)
    assert [each["id"] for each in seen.labels] == [label.id]
    owner.boards.delete(board.id)
    assert owner.boards.list() == []


def test_a_list_is_for_one_known_thing_once(bot: gitlab.Gitlab, owner: Group | Project) -> None:
    label = owner.labels.create({"name": "l", "color": "#fff"})
    board = owner.boards.create({"name": "Work"})
    board.lists.create({"label_id": label.id})
    with refused(400):
        board.lists.create({"label_id": label.id})
    with refused(400):
        board.lists.create({"label_id": 99999})
    with refused(400):
        bot.http_post(board.lists.path)
    with refused(400):
        bot.http_post(board.lists.path, post_data={"label_id": label.id, "milestone_id": 1})


def test_a_list_goes_with_its_label(owner: Group | Project) -> None:
    label = owner.labels.create({"name": "l", "color": "#fff"})
    board = owner.boards.create({"name": "Work"})
    board.lists.create({"label_id": label.id})
    owner.labels.delete("l")
    assert board.lists.list() == []


def test_a_milestone_is_created_changed_closed_and_removed(owner: Group | Project) -> None:
    first = owner.milestones.create({"title": "M1", "due_date": "2000-01-31", "start_date": "2000-01-01"})
    second = owner.milestones.create({"title": "M2"})
    assert (first.iid, second.iid, first.state, first.expired) == (1, 2, "active", True)
    first.description = "The first"
    first.state_event = "close"
    first.save()
    assert [each.title for each in owner.milestones.list(state="closed")] == ["M1"]
    assert [each.title for each in owner.milestones.list(iids=[2])] == ["M2"]
    assert owner.milestones.get(first.id).description == "The first"
    first.delete()
    with refused(404, {"message": "404 Not found"}):
        owner.milestones.get(first.id)


def test_a_milestone_that_does_not_fit_is_refused(owner: Group | Project) -> None:
    owner.milestones.create({"title": "M1"})
    with refused(400):
        owner.milestones.create({"title": "M1"})
    with refused(400, {"message": {"due_date": ["must be greater than start date"]}}):
        owner.milestones.create({"title": "M2", "due_date": "2026-01-01", "start_date": "2026-02-01"})
    with refused(400, {"error": "due_date is invalid"}):
        owner.milestones.create({"title": "M3", "due_date": "soon"})


def test_a_badge_is_rendered_for_its_project(group: Group, project: Project) -> None:
    link = "https://ci.example/%{project_path}/%{default_branch}"
    badge = group.badges.create({"name": "ci", "link_url": link, "image_url": "https://ci.example/badge.svg"})
    assert (badge.kind, badge.rendered_link_url) == ("group", link)
    (seen,) = project.badges.list()
    assert seen.rendered_link_url == f"https://ci.example/{project.path_with_namespace}/main"
    own = project.badges.create({"link_url": "http://a.example", "image_url": "http://a.example/i"})
    own.name = "mine"
    own.save()
    assert project.badges.get(own.id).name == "mine"
    own.delete()
    with refused(404, {"message": "404 Badge Not Found"}):
        project.badges.get(own.id)
    with refused(400):
        project.badges.create({"link_url": "javascript:alert(1)", "image_url": "http://a.example/i"})
