"""Groups and subgroups."""

from __future__ import annotations

from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Double, Person, fresh, refused


def test_a_group_has_gitlabs_fields_and_defaults(bot: gitlab.Gitlab, double: Double) -> None:
    name = fresh("fields")
    group = bot.groups.create({"name": "Name of it", "path": name})
    assert group.full_path == group.path == name
    assert group.full_name == "Name of it"
    assert group.web_url == f"{double.url}/groups/{name}"
    assert (group.visibility, group.parent_id, group.description) == ("private", None, "")
    assert (group.project_creation_level, group.subgroup_creation_level) == ("developer", "maintainer")
    assert group.default_branch_protection == 2
    assert group.shared_runners_setting == "enabled"


def test_a_group_is_found_by_number_and_by_path(bot: gitlab.Gitlab, group: Group) -> None:
    assert bot.groups.get(group.id).path == bot.groups.get(group.path).path == group.path


def test_settings_of_a_group_are_kept(bot: gitlab.Gitlab, group: Group) -> None:
    group.description = "What it is for"
    group.project_creation_level = "maintainer"
    group.shared_runners_setting = "disabled_and_unoverridable"
    group.request_access_enabled = False
    group.save()
    seen = bot.groups.get(group.id)
    assert seen.description == "What it is for"
    assert seen.project_creation_level == "maintainer"
    assert seen.shared_runners_setting == "disabled_and_unoverridable"
    assert seen.request_access_enabled is False


def test_subgroups_are_nested_and_listed(bot: gitlab.Gitlab, group: Group) -> None:
    child = bot.groups.create({"name": "child", "path": "child", "parent_id": group.id})
    grandchild = bot.groups.create({"name": "grandchild", "path": "grandchild", "parent_id": child.id})
    assert grandchild.full_path == f"{group.path}/child/grandchild"
    assert grandchild.full_name == f"{group.name} / child / grandchild"
    assert [each.path for each in group.subgroups.list()] == ["child"]
    assert {each.path for each in group.descendant_groups.list()} == {"child", "grandchild"}
    assert bot.groups.get(f"{group.path}/child").id == child.id


def test_a_new_path_moves_what_is_below(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    child = bot.groups.create({"name": "child", "path": "child", "parent_id": group.id})
    renamed = fresh("renamed")
    bot.groups.update(group.id, {"path": renamed})
    assert bot.groups.get(child.id).full_path == f"{renamed}/child"
    assert bot.projects.get(f"{renamed}/{project.path}").id == project.id


def test_a_group_is_removed_with_everything_in_it(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    child = bot.groups.create({"name": "child", "path": "child", "parent_id": group.id})
    group.delete()
    for number in (group.id, child.id):
        with refused(404, {"message": "404 Group Not Found"}):
            bot.groups.get(number)
    with refused(404, {"message": "404 Project Not Found"}):
        bot.projects.get(project.id)


def test_numbers_of_removed_groups_are_not_given_out_again(bot: gitlab.Gitlab, group: Group) -> None:
    group.delete()
    assert bot.groups.create({"name": "next", "path": fresh("next")}).id > group.id


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"path": "x"}, "name is missing"),
        ({"name": "x"}, "path is missing"),
        ({}, "name is missing, path is missing"),
        ({"name": "", "path": "x"}, "name is empty"),
        ({"name": "x", "path": "x", "visibility": "secret"}, "visibility does not have a valid value"),
        ({"name": "x", "path": "x", "parent_id": "many"}, "parent_id is invalid"),
        (
            {"name": "x", "path": "x", "subgroup_creation_level": "a"},
            "subgroup_creation_level does not have a valid value",
        ),
    ],
)
def test_parameters_that_do_not_fit_are_named(bot: gitlab.Gitlab, fields: dict[str, Any], error: str) -> None:
    with refused(400, {"error": error}):
        bot.http_post("/groups", post_data=fields)


def test_a_taken_path_is_refused_in_gitlabs_words(bot: gitlab.Gitlab, group: Group) -> None:
    with refused(400, {"message": 'Failed to save group {:path=>["has already been taken"]}'}):
        bot.groups.create({"name": "again", "path": group.path.upper()})


@pytest.mark.parametrize("path", ["with space", "-x", "x.git", "über", "a/b"])
def test_a_path_that_cannot_be_part_of_an_address_is_refused(bot: gitlab.Gitlab, path: str) -> None:
    with refused(400):
        bot.groups.create({"name": "x", "path": path})


def test_a_subgroup_is_not_more_open_than_its_parent(bot: gitlab.Gitlab, group: Group) -> None:
    with refused(400):
        bot.groups.create({"name": "c", "path": "c", "parent_id": group.id, "visibility": "public"})


def test_an_unknown_parent_is_refused(bot: gitlab.Gitlab) -> None:
    with refused(404, {"message": "404 Group Not Found"}):
        bot.groups.create({"name": "c", "path": "c", "parent_id": 99999})


def test_a_private_group_is_hidden_from_strangers(person: Person, group: Group, double: Double) -> None:
    with refused(404, {"message": "404 Group Not Found"}):
        person.client.groups.get(group.id)
    assert group.id not in [each.id for each in person.client.groups.list(get_all=True)]
    with refused(404):
        double.client().groups.get(group.id)


def test_an_internal_group_is_seen_by_users_and_a_public_one_by_all(
    bot: gitlab.Gitlab, person: Person, double: Double
) -> None:
    internal = bot.groups.create({"name": "i", "path": fresh("internal"), "visibility": "internal"})
    public = bot.groups.create({"name": "p", "path": fresh("public"), "visibility": "public"})
    assert person.client.groups.get(internal.id).id == internal.id
    assert double.client().groups.get(public.id).id == public.id
    with refused(404):
        double.client().groups.get(internal.id)


def test_a_role_decides_what_may_be_done_to_a_group(group: Group, person: Person) -> None:
    group.members.create({"user_id": person.id, "access_level": 30})
    seen = person.client.groups.get(group.id)
    with refused(403, {"message": "403 Forbidden"}):
        seen.delete()
    with refused(403):
        person.client.groups.update(group.id, {"name": "mine"})
    with refused(403):
        person.client.groups.create({"name": "c", "path": "c", "parent_id": group.id})


def test_groups_are_searched_sorted_and_limited_to_owned_ones(bot: gitlab.Gitlab, person: Person, group: Group) -> None:
    mark = fresh("findme")
    for letter in "ba":
        person.client.groups.create({"name": f"{letter}-{mark}", "path": f"{letter}-{mark}", "visibility": "public"})
    found = bot.groups.list(search=mark, get_all=True)
    assert [each.name for each in found] == [f"a-{mark}", f"b-{mark}"]
    assert [each.name for each in bot.groups.list(search=mark, sort="desc", get_all=True)] == [f"b-{mark}", f"a-{mark}"]
    assert bot.groups.list(search=mark, owned=True) == []
    assert group.id in [each.id for each in bot.groups.list(owned=True, get_all=True)]


def test_namespaces_are_groups_and_ones_own(bot: gitlab.Gitlab, group: Group, person: Person) -> None:
    own = bot.namespaces.get("bighpc-bot")
    assert (own.kind, bot.namespaces.get(group.id).full_path) == ("user", group.path)
    assert {own.id, group.id} <= {each.id for each in bot.namespaces.list(get_all=True, owned_only=True)}
    with refused(404, {"message": "404 Namespace Not Found"}):
        person.client.namespaces.get(group.id)


def test_projects_of_subgroups_are_listed_on_demand(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    child = bot.groups.create({"name": "child", "path": "child", "parent_id": group.id})
    deep = bot.projects.create({"name": "deep", "namespace_id": child.id})
    assert [each.id for each in group.projects.list()] == [project.id]
    assert {each.id for each in group.projects.list(include_subgroups=True)} == {project.id, deep.id}
