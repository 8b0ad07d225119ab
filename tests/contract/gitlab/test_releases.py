"""Releases, their files, and their tags."""

from __future__ import annotations

import json
from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Double, Person, Receiver, fresh, refused


@pytest.fixture(scope="module")
def released(bot: gitlab.Gitlab, shared: Project) -> Project:
    """A project for all tests of this module; each releases tags of its own."""
    made = bot.projects.create(
        {"name": "released", "namespace_id": shared.namespace["id"], "initialize_with_readme": True}
    )
    assert isinstance(made, Project)
    return made


def test_a_release_makes_its_tag(released: Project) -> None:
    tag = fresh("v1.0")
    made = released.releases.create(
        {
            "tag_name": tag,
            "ref": "main",
            "name": "First",
            "description": "All new",
            "assets": {"links": [{"name": "image", "url": "https://example.com/i", "link_type": "image"}]},
        }
    )
    found = released.releases.get(tag)
    assert (found.name, found.description, found.author["username"]) == ("First", "All new", "bighpc-bot")
    assert found.commit["id"] == released.branches.get("main").commit["id"]
    assert [link["name"] for link in found.assets["links"]] == ["image"]
    assert found.assets["count"] == 5
    assert not found.upcoming_release
    assert released.tags.get(tag).release == {"tag_name": tag, "description": "All new"}
    released.releases.delete(made.tag_name)
    with refused(404, {"message": "404 Not Found"}):
        released.releases.get(tag)
    assert released.tags.get(tag).release is None


def test_a_tag_that_is_there_is_released_and_the_release_changed(released: Project) -> None:
    tag = fresh("v")
    released.tags.create({"tag_name": tag, "ref": "main"})
    milestone = released.milestones.create({"title": fresh("m")})
    made = released.releases.create({"tag_name": tag})
    assert (made.name, hasattr(made, "milestones")) == (tag, False)
    released.releases.update(tag, {"description": "Said later", "milestones": [milestone.title]})
    found = released.releases.get(tag)
    assert (found.description, found.milestones[0]["title"]) == ("Said later", milestone.title)
    with refused(400):
        released.releases.update(tag, {"milestones": ["unheard of"]})


@pytest.mark.parametrize(
    ("fields", "status", "body"),
    [
        ({}, 400, {"error": "tag_name is missing"}),
        ({"tag_name": "new"}, 422, {"message": "Ref is not specified"}),
        ({"tag_name": "new", "ref": "gone"}, 400, {"message": "Target gone is invalid"}),
        ({"tag_name": "a b", "ref": "main"}, 400, {"message": "Tag name invalid"}),
        (
            {"tag_name": "bad-link", "ref": "main", "assets": {"links": [{"name": "x", "url": "file:///etc"}]}},
            400,
            {"message": {"url": ["is blocked: Only allowed schemes are http, https, ftp"]}},
        ),
    ],
)
def test_a_release_that_does_not_fit_is_refused(
    bot: gitlab.Gitlab, released: Project, fields: dict[str, Any], status: int, body: dict[str, Any]
) -> None:
    with refused(status, body):
        bot.http_post(f"/projects/{released.id}/releases", post_data=fields)


def test_a_tag_is_released_once(released: Project) -> None:
    tag = fresh("v")
    released.releases.create({"tag_name": tag, "ref": "main"})
    with refused(409, {"message": "Release already exists"}):
        released.releases.create({"tag_name": tag, "ref": "main"})


def test_the_newest_release_has_an_address(project: Project, group: Group, bot: gitlab.Gitlab) -> None:
    with refused(404):
        bot.http_get(f"/projects/{project.id}/releases/permalink/latest")
    for tag, moment in (("v2", "2026-02-01"), ("v1", "2026-01-01"), ("v9", "2999-01-01")):
        project.releases.create({"tag_name": tag, "ref": "main", "released_at": f"{moment}T00:00:00Z"})
    latest = bot.http_get(f"/projects/{project.id}/releases/permalink/latest")
    assert isinstance(latest, dict)
    assert latest["tag_name"] == "v2"
    assert [each.tag_name for each in project.releases.list()] == ["v9", "v2", "v1"]
    assert [each.tag_name for each in project.releases.list(sort="asc")] == ["v1", "v2", "v9"]
    assert project.releases.get("v9").upcoming_release
    listed = bot.http_list(f"/groups/{group.id}/releases")
    assert [each["tag_name"] for each in listed] == ["v9", "v2", "v1"]


def test_files_come_and_go(released: Project) -> None:
    made = released.releases.create({"tag_name": fresh("v"), "ref": "main"})
    link = made.links.create({"name": "log", "url": "https://example.com/log", "filepath": "/logs/log"})
    assert link.direct_asset_url.endswith(f"/-/releases/{made.tag_name}/downloads/logs/log")
    with refused(400, {"message": {"name": ["has already been taken"]}}):
        made.links.create({"name": "log", "url": "https://example.com/other"})
    link.link_type = "runbook"
    link.save()
    assert made.links.get(link.id).link_type == "runbook"
    made.links.delete(link.id)
    assert made.links.list() == []
    with refused(404):
        made.links.get(link.id)


def test_who_may_release(released: Project, person: Person, double: Double) -> None:
    made = released.releases.create({"tag_name": fresh("v"), "ref": "main"})
    theirs = person.client.projects.get(released.id, lazy=True)
    with refused(404):
        theirs.releases.list()
    with refused(401):
        double.client().http_post(f"/projects/{released.id}/releases", post_data={"tag_name": "x"})
    member = released.members.create({"user_id": person.id, "access_level": 10})
    assert made.tag_name in [each.tag_name for each in theirs.releases.list()]
    with refused(403):
        theirs.releases.get(made.tag_name)
    with refused(403):
        theirs.releases.create({"tag_name": "x", "ref": "main"})
    member.access_level = 30
    member.save()
    theirs.releases.update(made.tag_name, {"description": "Mine"})
    with refused(403):
        theirs.releases.delete(made.tag_name)
    released.protectedtags.create({"name": "stable-*", "create_access_level": 40})
    with refused(400):
        theirs.releases.create({"tag_name": "stable-1", "ref": "main"})


def test_releases_are_told(project: Project, receiver: Receiver) -> None:
    project.hooks.create({"url": receiver.url, "push_events": False, "releases_events": True})
    made = project.releases.create({"tag_name": "v1", "ref": "main", "description": "New"})
    project.releases.delete("v1")
    for action in ("create", "delete"):
        headers, body = receiver.take()
        told = json.loads(body)
        assert (headers["X-Gitlab-Event"], told["action"], told["tag"]) == ("Release Hook", action, "v1")
        assert told["commit"]["id"] == made.commit["id"]
