"""Agents, runners, environments, deployments, schedules, triggers, deploy keys and job tokens."""

from __future__ import annotations

from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project

from tests.contract.gitlab.support import Person, refused


def test_an_agent_is_registered_once_under_its_name(project: Project) -> None:
    agent = project.cluster_agents.create({"name": "dev"})
    assert agent.config_project["path_with_namespace"] == project.path_with_namespace
    assert project.cluster_agents.get(agent.id).name == "dev"
    with refused(400, {"message": '400 Bad request - ["Name has already been taken"]'}):
        project.cluster_agents.create({"name": "dev"})
    for name in ("Dev", "-dev", "x" * 64):
        with refused(400):
            project.cluster_agents.create({"name": name})
    agent.delete()
    with refused(404, {"message": "404 Not found"}):
        project.cluster_agents.get(agent.id)


def test_an_agent_has_at_most_two_tokens(bot: gitlab.Gitlab, project: Project) -> None:
    path = f"/projects/{project.id}/cluster_agents/{project.cluster_agents.create({'name': 'dev'}).id}/tokens"
    first = bot.http_post(path, post_data={"name": "one", "description": "d"})
    bot.http_post(path, post_data={"name": "two"})
    assert isinstance(first, dict)
    assert first["token"].startswith("glagent-")
    with refused(400, {"message": "400 Bad request - An agent can have only two active tokens at a time"}):
        bot.http_post(path, post_data={"name": "three"})
    seen = bot.http_get(f"{path}/{first['id']}")
    assert isinstance(seen, dict)
    assert (seen["status"], seen["description"], "token" in seen) == ("active", "d", False)
    bot.http_delete(f"{path}/{first['id']}")
    bot.http_post(path, post_data={"name": "three"})
    found = bot.http_list(path)
    assert isinstance(found, list)
    assert [each["name"] for each in found] == ["three", "two"]
    with refused(404):
        bot.http_get(f"{path}/{first['id']}")


def test_a_developer_sees_agents_and_registers_none(project: Project, person: Person) -> None:
    project.cluster_agents.create({"name": "dev"})
    project.members.create({"user_id": person.id, "access_level": 30})
    seen = person.client.projects.get(project.id)
    assert [each.name for each in seen.cluster_agents.list()] == ["dev"]
    with refused(403):
        seen.cluster_agents.create({"name": "mine"})


def make_runner(client: gitlab.Gitlab, **fields: Any) -> dict[str, Any]:
    """Create a runner with the authentication-token flow."""
    made = client.http_post("/user/runners", post_data=fields)
    assert isinstance(made, dict)
    return made


def test_a_runner_is_made_with_a_token_and_managed(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    made = make_runner(
        bot, runner_type="group_type", group_id=group.id, description="cpu", tag_list="cpu,mpi", run_untagged=False
    )
    assert made["token"].startswith("glrt-")
    runner = bot.runners.get(made["id"])
    assert (runner.runner_type, runner.tag_list, runner.run_untagged) == ("group_type", ["cpu", "mpi"], False)
    assert (runner.status, runner.paused) == ("never_contacted", False)
    assert [each["id"] for each in runner.groups] == [group.id]
    runner.paused = True
    runner.maximum_timeout = 3600
    runner.save()
    assert (bot.runners.get(runner.id).paused, bot.runners.get(runner.id).maximum_timeout) == (True, 3600)
    assert [each.id for each in group.runners.list()] == [runner.id]
    assert [each.id for each in project.runners.list()] == [runner.id]
    assert runner.id in [each.id for each in bot.runners.list(get_all=True)]
    runner.delete()
    with refused(404, {"message": "404 Runner Not Found"}):
        bot.runners.get(runner.id)


def test_a_project_runner_is_enabled_elsewhere(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    other = bot.projects.create({"name": "other", "namespace_id": group.id})
    made = make_runner(bot, runner_type="project_type", project_id=project.id)
    other.runners.create({"runner_id": made["id"]})
    assert [each.id for each in other.runners.list()] == [made["id"]]
    assert [each["id"] for each in bot.runners.get(made["id"]).projects] == [project.id, other.id]
    other.runners.delete(made["id"])
    assert other.runners.list() == []
    with refused(403):
        project.runners.delete(made["id"])


def test_runners_are_made_by_those_who_may(
    bot: gitlab.Gitlab, root: gitlab.Gitlab, project: Project, person: Person
) -> None:
    with refused(403):
        make_runner(bot, runner_type="instance_type")
    with refused(403):
        make_runner(person.client, runner_type="project_type", project_id=project.id)
    with refused(400, {"error": "group_id is missing"}):
        make_runner(bot, runner_type="group_type")
    with refused(400, {"error": "runner_type does not have a valid value"}):
        make_runner(bot, runner_type="any_type")
    rule = "can not be empty when runner is not allowed to pick untagged jobs"
    with refused(400, {"message": {"tags_list": [rule]}}):
        make_runner(bot, runner_type="project_type", project_id=project.id, run_untagged=False)
    made = make_runner(root, runner_type="instance_type")
    with refused(403, {"message": "403 Forbidden - No access granted"}):
        person.client.runners.get(made["id"])


def test_an_environment_is_created_changed_stopped_and_removed(project: Project) -> None:
    agent = project.cluster_agents.create({"name": "dev"})
    made = project.environments.create({"name": "prod", "external_url": "https://app.example", "tier": "production"})
    assert (made.slug, made.state, made.tier) == ("prod", "available", "production")
    project.environments.update(made.id, {"cluster_agent_id": agent.id, "kubernetes_namespace": "bighpc-prod"})
    seen = project.environments.get(made.id)
    assert (seen.cluster_agent["id"], seen.kubernetes_namespace) == (agent.id, "bighpc-prod")
    with refused(403):
        seen.delete()
    seen.stop()
    assert project.environments.get(made.id).state == "stopped"
    seen.delete()
    with refused(404, {"message": "404 Environment Not Found"}):
        project.environments.get(made.id)


def test_names_of_environments_make_slugs_and_tiers(project: Project) -> None:
    made = [project.environments.create({"name": name}) for name in ("review/Feature_1", "staging", "qa", "misc")]
    assert made[0].slug.startswith("review-feature-1-")
    assert len(made[0].slug) <= 24
    assert [each.tier for each in made] == ["development", "staging", "testing", "other"]
    with refused(400, {"message": {"name": ["has already been taken"]}}):
        project.environments.create({"name": "qa"})
    with refused(400):
        project.environments.create({"name": "/x/"})
    with refused(400, {"error": "tier does not have a valid value"}):
        project.environments.create({"name": "x", "tier": "gold"})
    with refused(400):
        project.environments.create({"name": "x", "kubernetes_namespace": "without-agent"})
    assert [each.name for each in project.environments.list(name="qa")] == ["qa"]


def test_a_deployment_is_recorded_and_finished(project: Project) -> None:
    sha = project.commits.get("main").id
    wanted = {"sha": sha, "ref": "main", "tag": False, "status": "running", "environment": "prod"}
    made = project.deployments.create(wanted)
    assert (made.iid, made.status, made.environment["name"]) == (1, "running", "prod")
    made.status = "success"
    made.save()
    assert project.deployments.get(made.id).status == "success"
    assert [each.id for each in project.deployments.list(environment="prod", status="success")] == [made.id]
    with refused(400):
        project.deployments.update(made.id, {"status": "failed"})
    with refused(400):
        project.deployments.create({**wanted, "sha": "f" * 40})
    with refused(400):
        project.manager.gitlab.http_delete(f"/projects/{project.id}/deployments/{made.id}")


def test_a_schedule_knows_its_next_time(project: Project) -> None:
    made = project.pipelineschedules.create({"description": "nightly", "ref": "main", "cron": "30 2 * * *"})
    assert (made.ref, made.active, made.cron_timezone) == ("refs/heads/main", True, "UTC")
    assert made.next_run_at.endswith("T02:30:00.000Z")
    made.cron = "0 12 * * 1-5"
    made.save()
    assert project.pipelineschedules.get(made.id).next_run_at.endswith("T12:00:00.000Z")
    made.variables.create({"key": "MODE", "value": "full"})
    assert project.pipelineschedules.get(made.id).attributes["variables"][0]["value"] == "full"
    made.variables.delete("MODE")
    made.take_ownership()
    made.delete()
    with refused(404, {"message": "404 Pipeline Schedule Not Found"}):
        project.pipelineschedules.get(made.id)


@pytest.mark.parametrize(
    ("fields", "name"),
    [({"cron": "every day"}, "cron"), ({"cron": "61 * * * *"}, "cron"), ({"cron_timezone": "Moon"}, "cron_timezone")],
)
def test_a_schedule_that_never_comes_is_refused(shared: Project, fields: dict[str, str], name: str) -> None:
    with refused(400, {"message": {name: ["syntax is invalid"]}}):
        shared.pipelineschedules.create({"description": "x", "ref": "main", "cron": "* * * * *", **fields})


def test_a_trigger_shows_its_token_to_its_owner_only(project: Project, person: Person) -> None:
    made = project.triggers.create({"description": "nightly"})
    assert made.token.startswith("glptt-")
    assert project.triggers.get(made.id).token == made.token
    project.members.create({"user_id": person.id, "access_level": 40})
    assert person.client.projects.get(project.id).triggers.get(made.id).token == made.token[:10]
    made.description = "weekly"
    made.save()
    assert [each.description for each in project.triggers.list()] == ["weekly"]
    made.delete()
    with refused(404, {"message": "404 Trigger Not Found"}):
        project.triggers.get(made.id)


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJzJ3cPtqpV1mKMtqVdCT5Bq6n8wK0tVrcLs8xTqkXyz ci@example"


def test_a_deploy_key_is_shared_between_projects(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    other = bot.projects.create({"name": "other", "namespace_id": group.id})
    made = project.keys.create({"title": "ci", "key": KEY, "can_push": True})
    other.keys.enable(made.id)
    assert (made.can_push, other.keys.get(made.id).can_push) == (True, False)
    assert made.fingerprint_sha256.startswith("SHA256:")
    made.title = "ci key"
    made.save()
    assert other.keys.get(made.id).title == "ci key"
    made.delete()
    assert [each.id for each in other.keys.list()] == [made.id]
    with refused(400):
        project.keys.create({"title": "bad", "key": "ssh-rsa nonsense"})


def test_job_tokens_are_let_in_from_the_list(bot: gitlab.Gitlab, group: Group, project: Project) -> None:
    other = bot.projects.create({"name": "other", "namespace_id": group.id})
    scope = project.job_token_scope.get()
    assert scope.inbound_enabled is True
    scope.allowlist.create({"target_project_id": other.id})
    scope.groups_allowlist.create({"target_group_id": group.id})
    assert [each.id for each in scope.allowlist.list()] == [project.id, other.id]
    assert [each.id for each in scope.groups_allowlist.list()] == [group.id]
    with refused(400):
        scope.allowlist.create({"target_project_id": other.id})
    scope.allowlist.delete(other.id)
    scope.groups_allowlist.delete(group.id)
    assert scope.groups_allowlist.list() == []
    scope.enabled = False
    scope.save()
    assert project.job_token_scope.get().inbound_enabled is False
    with refused(404):
        scope.allowlist.create({"target_project_id": 99999})
