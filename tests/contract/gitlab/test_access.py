"""Variables, members and deploy tokens of groups and projects."""

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


def test_a_variable_is_created_read_changed_and_removed(owner: Group | Project) -> None:
    made = owner.variables.create({"key": "TOKEN", "value": "s3cret-value", "masked": True, "protected": True})
    assert made.attributes == {
        "variable_type": "env_var",
        "key": "TOKEN",
        "value": "s3cret-value",
        "hidden": False,
        "protected": True,
        "masked": True,
        "raw": False,
        "environment_scope": "*",
        "description": None,
        "group_id" if isinstance(owner, Group) else "project_id": str(owner.id),
    }
    owner.variables.update("TOKEN", {"value": "another-value", "variable_type": "file"})
    seen = owner.variables.get("TOKEN")
    assert (seen.value, seen.variable_type, seen.masked) == ("another-value", "file", True)
    owner.variables.delete("TOKEN")
    missing = "GroupVariable" if isinstance(owner, Group) else "Variable"
    with refused(404, {"message": f"404 {missing} Not Found"}):
        owner.variables.get("TOKEN")


@pytest.mark.parametrize(
    ("value", "raw", "fits"),
    [
        ("12345678", False, True),
        ("1234567", False, False),
        ("with space", False, False),
        ("a$b$c$d$e", False, False),
        ("a$b$c$d$e", True, True),
        ("two\nlines", True, False),
    ],
)
def test_a_masked_variable_keeps_to_gitlabs_rule(shared: Project, value: str, raw: bool, fits: bool) -> None:
    wanted = {"key": "V", "value": value, "masked": True, "raw": raw}
    if fits:
        made = shared.variables.create(wanted)
        assert made.masked
        made.delete()
        return
    with refused(400, {"message": {"value": ["is invalid"]}}):
        shared.variables.create(wanted)


def test_a_hidden_variable_never_shows_its_value(project: Project) -> None:
    made = project.variables.create({"key": "V", "value": "s3cret-value", "masked_and_hidden": True})
    assert (made.value, made.masked, made.hidden) == (None, True, True)
    with refused(400):
        project.variables.update("V", {"masked": False})


@pytest.mark.parametrize("key", ["with-hyphen", "with space", "", "x" * 256])
def test_a_key_that_no_shell_would_take_is_refused(shared: Project, key: str) -> None:
    with refused(400):
        shared.variables.create({"key": key, "value": "1"})


def test_one_key_has_a_value_per_environment(owner: Group | Project) -> None:
    for scope in ("*", "prod"):
        owner.variables.create({"key": "URL", "value": scope, "environment_scope": scope})
    with refused(400, {"message": {"key": ["(URL) has already been taken"]}}):
        owner.variables.create({"key": "URL", "value": "again", "environment_scope": "prod"})
    with refused(409):
        owner.variables.get("URL")
    assert owner.variables.get("URL", filter={"environment_scope": "prod"}).value == "prod"
    owner.variables.update("URL", {"value": "new", "filter": {"environment_scope": "*"}})
    owner.variables.delete("URL", filter={"environment_scope": "prod"})
    assert [(each.value, each.environment_scope) for each in owner.variables.list()] == [("new", "*")]


def test_variables_are_for_maintainers(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    with refused(403, {"message": "403 Forbidden"}):
        person.client.projects.get(project.id).variables.list()


def test_a_member_is_added_changed_and_removed(owner: Group | Project, person: Person) -> None:
    made = owner.members.create({"user_id": person.id, "access_level": 30, "expires_at": "2099-01-01"})
    assert (made.username, made.access_level, made.expires_at) == (person.username, 30, "2099-01-01")
    assert made.created_by["username"] == "bighpc-bot"
    with refused(409, {"message": "Member already exists"}):
        owner.members.create({"user_id": person.id, "access_level": 20})
    made.access_level = 40
    made.save()
    assert owner.members.get(person.id).access_level == 40
    owner.members.delete(person.id)
    with refused(404, {"message": "404 Not found"}):
        owner.members.get(person.id)


def test_inherited_members_are_shown_on_demand(group: Group, project: Project, person: Person) -> None:
    group.members.create({"user_id": person.id, "access_level": 20})
    assert person.id not in [each.id for each in project.members.list()]
    assert {each.id: each.access_level for each in project.members_all.list()}[person.id] == 20
    assert project.members_all.get(person.id).access_level == 20
    with refused(400):
        project.members.create({"user_id": person.id, "access_level": 10})
    project.members.create({"user_id": person.id, "access_level": 40})
    assert project.members_all.get(person.id).access_level == 40


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"access_level": 33}, 400),
        ({"access_level": "high"}, 400),
        ({"access_level": 30, "expires_at": "2000-01-01"}, 400),
        ({"access_level": 30, "user_id": 99999}, 404),
    ],
)
def test_a_member_that_does_not_fit_is_refused(
    bot: gitlab.Gitlab, shared: Project, fields: dict[str, Any], status: int
) -> None:
    with refused(status):
        bot.http_post(f"/projects/{shared.id}/members", post_data={"user_id": 1, **fields})


def test_the_last_owner_stays_and_maintainers_make_no_owners(group: Group, project: Project, person: Person) -> None:
    (owner,) = group.members.list()
    with refused(403):
        group.members.delete(owner.id)
    project.members.create({"user_id": person.id, "access_level": 40})
    with refused(403):
        person.client.projects.get(project.id).members.create({"user_id": 1, "access_level": 50})


def test_a_deploy_token_is_shown_once(owner: Group | Project) -> None:
    made = owner.deploytokens.create({"name": "d", "scopes": ["read_repository", "read_registry"]})
    assert made.token.startswith("gldt-")
    assert made.username == f"gitlab+deploy-token-{made.id}"
    seen = owner.deploytokens.get(made.id)
    assert not hasattr(seen, "token")
    assert (seen.scopes, seen.revoked, seen.expired) == (["read_registry", "read_repository"], False, False)
    named = owner.deploytokens.create(
        {"name": "n", "scopes": ["read_registry"], "username": "puller", "expires_at": "2099-01-01"}
    )
    assert (named.username, named.expires_at) == ("puller", "2099-01-01T00:00:00.000Z")
    owner.deploytokens.delete(made.id)
    assert [each.id for each in owner.deploytokens.list()] == [named.id]
    with refused(400, {"error": "scopes does not have a valid value"}):
        owner.deploytokens.create({"name": "d", "scopes": ["api"]})
