"""Protected branches and tags."""

from __future__ import annotations

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Person, refused


def levels(entries: list[dict[str, int]]) -> list[int]:
    """The access levels of entries."""
    return [entry["access_level"] for entry in entries]


def test_a_branch_is_protected_with_levels_and_flags(project: Project) -> None:
    made = project.protectedbranches.create(
        {"name": "prod", "push_access_level": 0, "merge_access_level": 30, "unprotect_access_level": 60}
    )
    assert (levels(made.push_access_levels), levels(made.merge_access_levels)) == ([0], [30])
    assert levels(made.unprotect_access_levels) == [60]
    assert made.push_access_levels[0]["access_level_description"] == "No one"
    assert made.merge_access_levels[0]["access_level_description"] == "Developers + Maintainers"
    assert (made.allow_force_push, made.code_owner_approval_required) == (False, False)
    assert {each.name for each in project.protectedbranches.list()} == {"main", "prod"}
    project.protectedbranches.delete("prod")
    with refused(404, {"message": "404 Not found"}):
        project.protectedbranches.get("prod")


def test_maintainers_are_the_default(project: Project) -> None:
    made = project.protectedbranches.create({"name": "x"})
    assert (levels(made.push_access_levels), levels(made.merge_access_levels)) == ([40], [40])


def test_single_users_and_groups_are_named(project: Project, group: Group, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    made = project.protectedbranches.create(
        {
            "name": "prod",
            "allowed_to_push": [{"user_id": person.id}, {"access_level": 40}],
            "allowed_to_merge": [{"group_id": group.id}],
        }
    )
    assert [entry["user_id"] for entry in made.push_access_levels] == [person.id, None]
    assert [entry["group_id"] for entry in made.merge_access_levels] == [group.id]
    with refused(422):
        project.protectedbranches.create({"name": "y", "allowed_to_push": [{"user_id": 1_000_000}]})


def test_a_protection_is_changed_entry_by_entry(project: Project) -> None:
    made = project.protectedbranches.create({"name": "prod", "push_access_level": 40})
    number = made.push_access_levels[0]["id"]
    changed = project.protectedbranches.update(
        "prod",
        {"allow_force_push": True, "allowed_to_push": [{"id": number, "_destroy": True}, {"access_level": 30}]},
    )
    assert changed["allow_force_push"] is True
    assert levels(changed["push_access_levels"]) == [30]
    assert levels(changed["merge_access_levels"]) == [40]


def test_a_branch_is_protected_once(project: Project) -> None:
    with refused(409, {"message": "Protected branch 'main' already exists"}):
        project.protectedbranches.create({"name": "main"})


@pytest.mark.parametrize("level", [10, 35, 50])
def test_a_level_that_protections_do_not_know_is_refused(shared: Project, level: int) -> None:
    with refused(400, {"error": "push_access_level does not have a valid value"}):
        shared.protectedbranches.create({"name": "x", "push_access_level": level})


def test_commits_of_the_api_keep_to_the_protection(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    seen = person.client.projects.get(project.id)
    change = {"file_path": "a", "content": "1", "commit_message": "m"}
    with refused(403, {"message": "403 Forbidden - You are not allowed to push into this branch"}):
        seen.files.create({**change, "branch": "main"})
    seen.branches.create({"branch": "topic", "ref": "main"})
    seen.files.create({**change, "branch": "topic"})
    project.protectedbranches.create({"name": "top*", "allowed_to_push": [{"user_id": person.id}]})
    seen.files.create({**change, "file_path": "b", "branch": "topic"})


def test_the_most_generous_of_several_protections_counts(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    project.protectedbranches.create({"name": "release/*", "push_access_level": 40})
    project.protectedbranches.create({"name": "release/1", "push_access_level": 30})
    seen = person.client.projects.get(project.id)
    seen.branches.create({"branch": "release/1", "ref": "main"})
    assert seen.branches.get("release/1").can_push
    seen.files.create({"file_path": "a", "branch": "release/1", "content": "", "commit_message": "m"})


def test_a_developer_neither_removes_a_protected_branch_nor_sees_the_rules(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    project.branches.create({"branch": "prod", "ref": "main"})
    project.protectedbranches.create({"name": "prod"})
    seen = person.client.projects.get(project.id)
    with refused(400):
        seen.branches.delete("prod")
    with refused(403):
        seen.protectedbranches.list()
    project.branches.delete("prod")


def test_a_tag_is_protected_and_unprotected(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    made = project.protectedtags.create({"name": "v*", "create_access_level": 40})
    assert levels(made.create_access_levels) == [40]
    seen = person.client.projects.get(project.id)
    with refused(400, {"message": "You are not allowed to create this tag as it is protected."}):
        seen.tags.create({"tag_name": "v1", "ref": "main"})
    assert project.tags.create({"tag_name": "v1", "ref": "main"}).protected
    with refused(403):
        seen.tags.delete("v1")
    with refused(422, {"message": ["Name has already been taken"]}):
        project.protectedtags.create({"name": "v*"})
    assert project.protectedtags.get("v*").name == "v*"
    project.protectedtags.delete("v*")
    assert project.protectedtags.list() == []


def test_a_group_says_how_default_branches_are_protected(bot: gitlab.Gitlab, group: Group) -> None:
    wanted = {"allowed_to_push": [{"access_level": 30}], "allowed_to_merge": [{"access_level": 60}]}
    bot.groups.update(group.id, {"default_branch_protection_defaults": wanted})
    made = bot.projects.create({"name": "p", "namespace_id": group.id, "initialize_with_readme": True})
    (protection,) = made.protectedbranches.list()
    assert levels(protection.push_access_levels) == [30]
    assert levels(protection.merge_access_levels) == [60]
    seen = bot.groups.get(group.id)
    assert seen.default_branch_protection_defaults["allow_force_push"] is False
    bot.groups.update(group.id, {"default_branch_protection": 3})
    assert bot.groups.get(group.id).default_branch_protection_defaults["allowed_to_merge"] == [{"access_level": 30}]
    with refused(400):
        bot.groups.update(group.id, {"default_branch_protection_defaults": {"allowed_to_push": [{"access_level": 7}]}})


def test_developers_begin_a_project_only_where_the_group_says_so(
    bot: gitlab.Gitlab, group: Group, empty_project: Project, person: Person
) -> None:
    empty_project.members.create({"user_id": person.id, "access_level": 30})
    seen = person.client.projects.get(empty_project.id)
    first = {"file_path": "a", "branch": "main", "content": "1", "commit_message": "First"}
    with refused(403):
        seen.files.create(first)
    bot.groups.update(group.id, {"default_branch_protection": 4})
    seen.files.create(first)
    with refused(403):
        seen.files.create({**first, "file_path": "b"})


def test_a_group_may_leave_default_branches_open(bot: gitlab.Gitlab) -> None:
    group = bot.groups.create({"name": "o", "path": "open-branches", "default_branch_protection": 0})
    made = bot.projects.create({"name": "p", "namespace_id": group.id, "initialize_with_readme": True})
    assert made.protectedbranches.list() == []
