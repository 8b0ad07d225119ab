"""Protected environments, shared groups and projects, transfers, and when a registry forgets images."""

from __future__ import annotations

import gitlab
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Double, Person, fresh, refused


def test_an_environment_is_protected_changed_and_opened_again(project: Project) -> None:
    project.environments.create({"name": "prod"})
    made = project.protected_environments.create({"name": "prod", "deploy_access_levels": [{"access_level": 40}]})
    (level,) = made.deploy_access_levels
    assert (level["access_level"], level["access_level_description"]) == (40, "Maintainers")
    path = f"/projects/{project.id}/protected_environments/prod"
    changes = {"deploy_access_levels": [{"access_level": 30}, {"id": level["id"], "_destroy": True}]}
    changed = project.manager.gitlab.http_put(path, post_data=changes)
    assert isinstance(changed, dict)
    assert [each["access_level"] for each in changed["deploy_access_levels"]] == [30]
    assert changed["deploy_access_levels"][0]["id"] != level["id"], "a number is never given out again"
    assert [each.name for each in project.protected_environments.list()] == ["prod"]
    project.protected_environments.delete("prod")
    with refused(404, {"message": "404 Not Found"}):
        project.protected_environments.get("prod")


def test_what_gitlab_refuses_about_protected_environments(project: Project, double: Double, person: Person) -> None:
    levels = {"deploy_access_levels": [{"access_level": 40}]}
    with refused(422):
        project.protected_environments.create({"name": "nowhere", **levels})
    project.environments.create({"name": "prod"})
    with refused(400):
        project.protected_environments.create({"name": "prod", "deploy_access_levels": []})
    project.protected_environments.create({"name": "prod", **levels})
    with refused(409):
        project.protected_environments.create({"name": "prod", **levels})
    with refused(404):
        person.client.projects.get(project.id, lazy=True).protected_environments.list()
    with refused(401):
        double.client().projects.get(project.id, lazy=True).protected_environments.list()
    project.members.create({"user_id": person.id, "access_level": 30})
    with refused(403):
        person.client.projects.get(project.id, lazy=True).protected_environments.list()


def test_a_group_is_invited_and_the_invitation_taken_back(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    guests = bot.groups.create({"name": fresh("guests"), "path": fresh("guests")})
    group.share(guests.id, 20)
    project.share(guests.id, 30, "2099-01-01")
    (entry,) = bot.groups.get(group.id).shared_with_groups
    assert (entry["group_id"], entry["group_access_level"], entry["expires_at"]) == (guests.id, 20, None)
    (entry,) = bot.projects.get(project.id).shared_with_groups
    assert (entry["group_full_path"], entry["expires_at"]) == (guests.full_path, "2099-01-01")
    group.unshare(guests.id)
    project.unshare(guests.id)
    assert bot.groups.get(group.id).shared_with_groups == []
    with refused(404):
        project.unshare(guests.id)


def test_what_gitlab_refuses_about_sharing(group: Group, project: Project, person: Person) -> None:
    with refused(404):
        project.share(999_999, 30)
    with refused(400):
        project.share(group.id, 33)
    with refused(404):
        person.client.groups.get(group.id, lazy=True).share(group.id, 10)


def test_a_project_moves_and_keeps_its_number(bot: gitlab.Gitlab, project: Project, person: Person) -> None:
    target = bot.groups.create({"name": fresh("target"), "path": fresh("target")})
    project.transfer(target.id)
    moved = bot.projects.get(f"{target.full_path}/{project.path}")
    assert moved.id == project.id
    assert moved.namespace["id"] == target.id
    with refused(404):
        project.transfer(999_999)
    mine = person.client.projects.create({"name": "mine", "path": project.path})
    with refused(403):
        mine.transfer(target.id)
    with refused(400):
        moved.transfer(target.id)


def test_when_a_registry_forgets_images(bot: gitlab.Gitlab, project: Project) -> None:
    assert bot.projects.get(project.id).container_expiration_policy["enabled"] is False
    project.container_expiration_policy_attributes = {"enabled": True, "keep_n": 5, "older_than": "30d"}
    project.save()
    policy = bot.projects.get(project.id).container_expiration_policy
    assert (policy["enabled"], policy["keep_n"], policy["cadence"]) == (True, 5, "1d")
    project.container_expiration_policy_attributes = {"keep_n": 7}
    with refused(400):
        project.save()
