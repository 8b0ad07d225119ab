"""Projects."""

from __future__ import annotations

from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Double, Person, fresh, refused


def test_a_project_has_gitlabs_fields_and_defaults(bot: gitlab.Gitlab, group: Group, double: Double) -> None:
    project = bot.projects.create({"name": "My Project", "namespace_id": group.id})
    path = f"{group.path}/my-project"
    assert project.path_with_namespace == path
    assert project.web_url == f"{double.url}/{path}"
    assert project.http_url_to_repo == f"{double.url}/{path}.git"
    assert project.ssh_url_to_repo == f"git@127.0.0.1:{path}.git"
    assert project.name_with_namespace == f"{group.name} / My Project"
    assert project.namespace["full_path"] == group.path
    assert (project.visibility, project.archived, project.empty_repo) == ("private", False, True)
    assert (project.merge_method, project.squash_option) == ("merge", "default_off")
    assert project.only_allow_merge_if_pipeline_succeeds is False
    assert project.topics == []


SETTINGS: dict[str, Any] = {
    "description": "What it is for",
    "merge_method": "ff",
    "squash_option": "always",
    "only_allow_merge_if_pipeline_succeeds": True,
    "only_allow_merge_if_all_discussions_are_resolved": True,
    "remove_source_branch_after_merge": False,
    "ci_config_path": "pipelines/main.yml",
    "ci_pipeline_variables_minimum_override_role": "maintainer",
    "ci_push_repository_for_job_token_allowed": True,
    "topics": ["hpc", "mpi"],
    "issues_access_level": "private",
    "wiki_access_level": "disabled",
    "shared_runners_enabled": False,
    "build_timeout": 7200,
    "suggestion_commit_message": "Apply it",
}


def test_settings_given_at_creation_are_kept(bot: gitlab.Gitlab, group: Group) -> None:
    made = bot.projects.create({"name": fresh("kept"), "namespace_id": group.id, **SETTINGS})
    seen = bot.projects.get(made.id)
    assert {name: getattr(seen, name) for name in SETTINGS} == SETTINGS


def test_settings_given_later_are_kept_and_others_left_alone(bot: gitlab.Gitlab, project: Project) -> None:
    bot.projects.update(project.id, SETTINGS)
    bot.projects.update(project.id, {"squash_option": "never"})
    seen = bot.projects.get(project.id)
    assert {name: getattr(seen, name) for name in SETTINGS} == SETTINGS | {"squash_option": "never"}


def test_old_switches_and_access_levels_go_together(bot: gitlab.Gitlab, project: Project) -> None:
    bot.projects.update(project.id, {"wiki_enabled": False})
    seen = bot.projects.get(project.id)
    assert (seen.wiki_access_level, seen.wiki_enabled, seen.issues_enabled) == ("disabled", False, True)


def test_a_readme_makes_the_default_branch_and_protects_it(bot: gitlab.Gitlab, group: Group) -> None:
    project = bot.projects.create(
        {"name": "Seeded", "namespace_id": group.id, "initialize_with_readme": True, "default_branch": "prod"}
    )
    assert project.default_branch == "prod"
    (protection,) = project.protectedbranches.list()
    assert protection.name == "prod"
    assert [level["access_level"] for level in protection.push_access_levels] == [40]
    assert project.files.get("README.md", "prod").decode() == b"# Seeded\n"
    assert project.commits.list()[0].title == "Initial commit"


def test_a_group_names_the_default_branch_of_its_projects(bot: gitlab.Gitlab) -> None:
    group = bot.groups.create({"name": "g", "path": fresh("g"), "default_branch": "trunk"})
    assert bot.projects.create({"name": "p", "namespace_id": group.id}).default_branch == "trunk"


def test_the_default_branch_changes_to_an_existing_one_only(bot: gitlab.Gitlab, project: Project) -> None:
    project.branches.create({"branch": "dev", "ref": "main"})
    bot.projects.update(project.id, {"default_branch": "dev"})
    assert bot.projects.get(project.id).default_branch == "dev"
    with refused(400, {"message": {"base": ["Could not change HEAD: branch 'nope' does not exist"]}}):
        bot.projects.update(project.id, {"default_branch": "nope"})


def test_without_namespace_a_project_goes_to_its_creator(bot: gitlab.Gitlab) -> None:
    name = fresh("own")
    assert bot.projects.create({"name": name}).path_with_namespace == f"bighpc-bot/{name}"


def test_a_taken_name_or_path_is_refused_in_gitlabs_words(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    taken = ["has already been taken"]
    both = {"message": {"project_namespace.name": taken, "name": taken, "path": taken}}
    with refused(400, both):
        bot.projects.create({"name": project.name, "namespace_id": group.id})
    with refused(400):
        bot.projects.create({"name": project.name, "path": "other", "namespace_id": group.id})


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 400),
        ({"name": "$$$"}, 400),
        ({"name": "x" * 300}, 400),
        ({"name": "x", "path": "a b"}, 400),
        ({"name": "x", "namespace_id": 999999}, 400),
        ({"name": "x", "merge_method": "octopus"}, 400),
        ({"name": "x", "build_timeout": "long"}, 400),
        ({"name": "x", "visibility": "hidden"}, 400),
    ],
)
def test_a_project_that_does_not_fit_is_refused(bot: gitlab.Gitlab, fields: dict[str, Any], status: int) -> None:
    with refused(status):
        bot.http_post("/projects", post_data=fields)


def test_a_project_is_not_more_open_than_its_group(bot: gitlab.Gitlab, group: Group) -> None:
    with refused(400, {"message": {"visibility_level": ["public is not allowed in a private group."]}}):
        bot.projects.create({"name": "x", "namespace_id": group.id, "visibility": "public"})


def test_a_removed_project_is_gone_and_its_path_free(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    project.delete()
    with refused(404, {"message": "404 Project Not Found"}):
        bot.projects.get(project.id)
    again = bot.projects.create({"name": project.name, "namespace_id": group.id})
    assert again.id > project.id
    assert again.empty_repo


def test_a_renamed_project_is_found_under_its_new_path(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    bot.projects.update(project.id, {"name": "New", "path": "new"})
    seen = bot.projects.get(f"{group.path}/new")
    assert (seen.id, seen.name) == (project.id, "New")
    with refused(404):
        bot.projects.get(project.path_with_namespace)


def test_an_archived_project_takes_no_commit(bot: gitlab.Gitlab, project: Project) -> None:
    project.archive()
    assert bot.projects.get(project.id).archived
    with refused(403):
        project.files.create({"file_path": "a", "branch": "main", "content": "", "commit_message": "a"})
    project.unarchive()
    assert not bot.projects.get(project.id).archived


def test_private_projects_are_hidden_from_strangers(person: Person, project: Project, double: Double) -> None:
    with refused(404, {"message": "404 Project Not Found"}):
        person.client.projects.get(project.id)
    with refused(404):
        double.client().projects.get(project.id)
    assert person.client.projects.list(search=project.name) == []


def test_a_member_of_the_group_sees_its_projects_with_the_inherited_role(
    group: Group, project: Project, person: Person
) -> None:
    group.members.create({"user_id": person.id, "access_level": 30})
    seen = person.client.projects.get(project.id)
    assert seen.permissions["group_access"]["access_level"] == 30
    assert seen.permissions["project_access"] is None
    with refused(403, {"message": "403 Forbidden"}):
        person.client.projects.update(project.id, {"description": "x"})


@pytest.mark.parametrize(("level", "may"), [(20, False), (30, True)])
def test_who_may_create_projects_depends_on_the_group(group: Group, person: Person, level: int, may: bool) -> None:
    group.members.create({"user_id": person.id, "access_level": level})
    if may:
        person.client.projects.create({"name": "x", "namespace_id": group.id})
        group.project_creation_level = "maintainer"
        group.save()
    with refused(403):
        person.client.projects.create({"name": "y", "namespace_id": group.id})


def test_lists_are_filtered(bot: gitlab.Gitlab, root: gitlab.Gitlab, group: Group) -> None:
    mark = fresh("mark")
    first = bot.projects.create({"name": f"{mark}-a", "namespace_id": group.id})
    second = bot.projects.create({"name": f"{mark}-b", "namespace_id": group.id})
    second.archive()
    assert [each.id for each in bot.projects.list(search=mark)] == [second.id, first.id]
    assert [each.id for each in bot.projects.list(search=mark, sort="asc", order_by="id")] == [first.id, second.id]
    assert [each.id for each in bot.projects.list(search=mark, archived=False)] == [first.id]
    assert [each.id for each in bot.projects.list(search=mark, owned=True, archived=True)] == [second.id]
    assert root.projects.list(search=mark, membership=True) == []
    assert not hasattr(bot.projects.list(search=mark, simple=True)[0], "merge_method")
