"""Jobs: who sees and moves them, their variables, and what web hooks hear of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Group, Project
from sqlalchemy import update

from testbed.gitlab import store
from testbed.gitlab.pipelines.processing import process
from tests.contract.gitlab.runner_support import Robot, add_jobs, archive, robot
from tests.contract.gitlab.support import Double, Person, Receiver, eventually, refused


@pytest.fixture
def runner(double: Double, bot: gitlab.Gitlab, project: Project) -> Iterator[Robot]:
    with robot(double, bot, project) as found:
        yield found


def values(job: dict[str, Any]) -> dict[str, str]:
    """The variables that a runner was sent."""
    return {each["key"]: each["value"] for each in job["variables"]}


def test_a_job_knows_where_it_comes_from(double: Double, project: Project, runner: Robot) -> None:
    [number] = add_jobs(double, project, {"name": "Build it!", "stage": "build"})
    found = values(runner.take())
    sha = project.commits.get("main").id
    assert len(found) >= 60
    assert {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_SERVER_URL": double.url,
        "CI_SERVER_FQDN": double.url.removeprefix("http://"),
        "CI_API_V4_URL": f"{double.url}/api/v4",
        "CI_PROJECT_ID": str(project.id),
        "CI_PROJECT_PATH": project.path_with_namespace,
        "CI_PROJECT_URL": project.web_url,
        "CI_PROJECT_VISIBILITY": "private",
        "CI_DEFAULT_BRANCH": "main",
        "CI_COMMIT_SHA": sha,
        "CI_COMMIT_SHORT_SHA": sha[:8],
        "CI_COMMIT_BRANCH": "main",
        "CI_COMMIT_REF_NAME": "main",
        "CI_COMMIT_REF_SLUG": "main",
        "CI_COMMIT_REF_PROTECTED": "true",
        "CI_PIPELINE_SOURCE": "push",
        "CI_JOB_ID": str(number),
        "CI_JOB_NAME": "Build it!",
        "CI_JOB_NAME_SLUG": "build-it",
        "CI_JOB_STAGE": "build",
        "CI_REGISTRY": "registry.example.com:5000",
        "CI_REGISTRY_IMAGE": f"registry.example.com:5000/{project.path_with_namespace}",
        "GITLAB_USER_LOGIN": "bighpc-bot",
    }.items() <= found.items()
    assert found["CI_REGISTRY_PASSWORD"] == found["CI_JOB_TOKEN"]
    assert found["CI_JOB_TOKEN"].startswith("glcbt-")
    assert found["CI_REPOSITORY_URL"].endswith(f"@{double.url[7:]}/{project.path_with_namespace}.git")


def test_the_nearer_variable_wins_and_scopes_and_protection_count(
    double: Double, group: Group, project: Project, runner: Robot
) -> None:
    for key in ("YAML", "GROUP", "PROJECT", "GIVEN"):
        group.variables.create({"key": f"{key}_OR", "value": "group"})
    for key in ("PROJECT", "GIVEN"):
        project.variables.create({"key": f"{key}_OR", "value": "project"})
    project.variables.create({"key": "SCOPED", "value": "everywhere"})
    project.variables.create({"key": "SCOPED", "value": "in review", "environment_scope": "review/*"})
    project.variables.create({"key": "ELSEWHERE", "value": "x", "environment_scope": "production"})
    project.variables.create({"key": "GUARDED", "value": "guarded-value", "protected": True, "masked": True})
    project.variables.create({"key": "FILE", "value": "content", "variable_type": "file"})
    project.variables.create({"key": "RAW", "value": "$CI_JOB_ID", "raw": True})
    project.variables.create({"key": "EXPANDED", "value": "$CI_JOB_NAME!"})
    yaml = {"YAML_OR": "yaml", "GROUP_OR": "yaml", "ONLY_YAML": "yaml"}
    options = {"script": ["x"], "variables": yaml, "environment": {"name": "review/one"}}
    guarded, open_ = add_jobs(double, project, {"name": "one", "options": options}, {"name": "two"})
    with double.forge.database.write() as session:
        first, second = session.get_one(store.Job, guarded), session.get_one(store.Job, open_)
        first.environment = store.Environment(project_id=project.id, name="review/one", slug="one", tier="development")
        first.pipeline.variables = {"GIVEN_OR": {"value": "given", "variable_type": "env_var", "raw": False}}
        assert second.pipeline is first.pipeline
    job = runner.take()
    found = values(job)
    assert {
        "YAML_OR": "group",
        "GROUP_OR": "group",
        "ONLY_YAML": "yaml",
        "PROJECT_OR": "project",
        "GIVEN_OR": "given",
        "SCOPED": "in review",
        "GUARDED": "guarded-value",
        "RAW": "$CI_JOB_ID",
        "EXPANDED": "one!",
        "CI_ENVIRONMENT_NAME": "review/one",
    }.items() <= found.items()
    assert "ELSEWHERE" not in found
    flags = {each["key"]: each for each in job["variables"]}
    assert flags["GUARDED"]["masked"]
    assert not flags["GUARDED"]["public"]
    assert flags["FILE"]["file"]
    with double.forge.database.write() as session:
        session.get_one(store.Job, open_).pipeline.protected = False
    other = values(runner.take())
    assert "GUARDED" not in other
    assert other["SCOPED"] == "everywhere"


def test_runners_take_only_what_they_are_for(double: Double, bot: gitlab.Gitlab, project: Project) -> None:
    add_jobs(double, project, {"name": "plain"}, {"name": "gpu", "tag_list": ["gpu", "linux"]})
    with robot(double, bot, project, run_untagged=False, tag_list="linux") as half:
        assert half.ask().status_code == 204
    with robot(double, bot, project, run_untagged=False, tag_list="linux,gpu,fast") as whole:
        assert whole.take()["job_info"]["name"] == "gpu"
        assert whole.ask().status_code == 204
    with double.forge.database.write() as session:
        session.execute(update(store.Pipeline).where(store.Pipeline.project_id == project.id).values(protected=False))
    with robot(double, bot, project, access_level="ref_protected") as guarded:
        assert guarded.ask().status_code == 204
    with robot(double, bot, project) as plain:
        assert plain.take()["job_info"]["name"] == "plain"


def test_jobs_are_listed_by_status_and_read_with_their_logs(double: Double, project: Project, runner: Robot) -> None:
    first, second = add_jobs(double, project, {"name": "one"}, {"name": "two"})
    job = runner.take()
    runner.trace(job, 0, b"hello\n")
    assert [each.id for each in project.jobs.list(scope="running")] == [first]
    assert [each.id for each in project.jobs.list(scope=["pending", "running"])] == [second, first]
    with refused(400, {"error": "scope does not have a valid value"}):
        project.jobs.list(scope="odd")
    assert project.jobs.get(first).trace() == b"hello\n"
    assert project.jobs.get(second).trace() == b""
    assert project.jobs.get(first).runner["id"]
    assert project.jobs.get(first).pipeline["ref"] == "main"
    with refused(404, {"message": "404 Job Not Found"}):
        project.jobs.get(999_999)


def test_a_job_is_erased_once(double: Double, project: Project, runner: Robot) -> None:
    [number] = add_jobs(double, project, {"options": {"script": ["x"], "artifacts": {"paths": ["a"]}}})
    job = runner.take()
    with refused(403, {"message": "403 Forbidden - Job is not erasable!"}):
        project.jobs.get(number).erase()
    runner.trace(job, 0, b"hello\n")
    assert runner.upload(job, archive(a="x")).status_code == 201
    runner.update(job, "success")
    assert project.jobs.get(number).artifacts_file["size"] > 0
    project.jobs.get(number).erase()
    found = project.jobs.get(number)
    assert found.erased_at is not None
    assert found.attributes["artifacts"] == []
    assert found.trace() == b""
    with refused(403):
        found.erase()


def test_a_job_is_cancelled_and_run_again(double: Double, project: Project, runner: Robot) -> None:
    [number] = add_jobs(double, project, {})
    project.jobs.get(number).cancel()
    assert project.jobs.get(number).status == "canceled"
    assert runner.ask().status_code == 204
    again = project.jobs.get(number).retry()
    assert again["id"] != number
    assert runner.take()["id"] == again["id"]


@pytest.mark.parametrize(
    ("level", "sees", "moves"), [(10, True, False), (20, True, False), (30, True, True), (None, False, False)]
)
def test_a_role_decides_who_sees_and_who_moves_jobs(
    double: Double, project: Project, person: Person, level: int | None, sees: bool, moves: bool
) -> None:
    [number] = add_jobs(double, project, {})
    if level is not None:
        project.members.create({"user_id": person.id, "access_level": level})
    path = f"/projects/{project.id}/jobs/{number}"
    if sees:
        seen = person.client.http_get(path)
        assert isinstance(seen, dict)
        assert seen["id"] == number
    else:
        with refused(404):
            person.client.http_get(path)
    if moves:
        person.client.http_post(f"{path}/cancel")
    else:
        with refused(403 if sees else 404):
            person.client.http_post(f"{path}/cancel")


def test_guests_see_no_jobs_where_they_are_not_public(double: Double, project: Project, person: Person) -> None:
    [number] = add_jobs(double, project, {})
    project.members.create({"user_id": person.id, "access_level": 10})
    project.public_jobs = False
    project.save()
    with refused(403):
        person.client.http_get(f"/projects/{project.id}/jobs/{number}")


def test_pipelines_are_deleted_by_owners_and_named_by_developers(
    double: Double, project: Project, person: Person
) -> None:
    add_jobs(double, project, {})
    [pipeline] = project.pipelines.list()
    project.members.create({"user_id": person.id, "access_level": 30})
    theirs = person.client.projects.get(project.id)
    with refused(403):
        theirs.pipelines.delete(pipeline.id)
    with refused(403):
        theirs.pipelines.get(pipeline.id).variables.list()
    named = person.client.http_put(
        f"/projects/{project.id}/pipelines/{pipeline.id}/metadata", post_data={"name": "Nightly"}
    )
    assert isinstance(named, dict)
    assert named["name"] == "Nightly"
    assert [each.id for each in project.pipelines.list(name="Nightly")] == [pipeline.id]
    project.pipelines.delete(pipeline.id)
    with refused(404, {"message": "404 Pipeline Not Found"}):
        project.pipelines.get(pipeline.id)


def test_pipelines_are_found_by_what_they_are(double: Double, project: Project) -> None:
    add_jobs(double, project, {})
    add_jobs(double, project, {}, user="root")
    newest, oldest = project.pipelines.list()
    assert [each.id for each in project.pipelines.list(sort="asc")] == [oldest.id, newest.id]
    assert [each.id for each in project.pipelines.list(username="root")] == [newest.id]
    assert [each.id for each in project.pipelines.list(scope="branches")] == [newest.id]
    assert project.pipelines.list(scope="tags") == []
    assert project.pipelines.list(scope="finished") == []
    assert project.pipelines.list(source="schedule") == []
    assert project.pipelines.list(yaml_errors=True) == []
    assert project.pipelines.latest().id == newest.id
    assert len(project.pipelines.list(updated_after="2020-01-01T00:00:00Z")) == 2
    with refused(400, {"error": "order_by does not have a valid value"}):
        project.pipelines.list(order_by="size")


def test_web_hooks_hear_of_pipelines_jobs_and_deployments(
    double: Double, project: Project, runner: Robot, receiver: Receiver
) -> None:
    events = {"pipeline_events": True, "job_events": True, "deployment_events": True, "push_events": False}
    project.hooks.create({"url": receiver.url, **events})
    options = {"script": ["x"], "environment": {"name": "prod"}}
    [number] = add_jobs(double, project, {"name": "ship", "options": options})
    with double.forge.database.write() as session:
        job = session.get_one(store.Job, number)
        environment = store.Environment(project_id=project.id, name="prod", slug="prod", tier="production")
        facts = {"ref": "main", "sha": job.pipeline.sha, "tag": False, "status": "created", "iid": 1}
        job.deployment = store.Deployment(project_id=project.id, environment=environment, user_id=job.user_id, **facts)
        job.environment = environment
        process(double.forge, session, job.pipeline)
    runner.update(runner.take(), "success")
    seen: dict[str, list[dict[str, Any]]] = {}

    def complete() -> bool:
        headers, body = receiver.take()
        seen.setdefault(headers["X-Gitlab-Event"], []).append(json.loads(body))
        return {kind: len(each) for kind, each in seen.items()} == {
            "Pipeline Hook": 3,
            "Job Hook": 2,
            "Deployment Hook": 2,
        }

    assert eventually(complete)
    pipeline = seen["Pipeline Hook"][-1]
    assert pipeline["object_attributes"]["status"] == "success"
    assert pipeline["builds"][0]["name"] == "ship"
    assert pipeline["project"]["path_with_namespace"] == project.path_with_namespace
    assert [each["build_status"] for each in seen["Job Hook"]] == ["running", "success"]
    assert [each["status"] for each in seen["Deployment Hook"]] == ["running", "success"]
    assert seen["Deployment Hook"][0]["environment"] == "prod"
