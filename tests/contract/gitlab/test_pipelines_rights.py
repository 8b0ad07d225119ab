"""Who may start and end pipelines, and what ends with them. Nothing here is compiled."""

from __future__ import annotations

from collections.abc import Iterator

import gitlab
import pytest
from gitlab.v4.objects import Project

from testbed.gitlab import store
from tests.contract.gitlab.runner_support import INFO, Robot, add_jobs, robot
from tests.contract.gitlab.support import Double, Person, refused


@pytest.fixture
def runner(double: Double, bot: gitlab.Gitlab, project: Project) -> Iterator[Robot]:
    with robot(double, bot, project) as found:
        yield found


def test_there_is_no_pipeline_without_a_configuration(project: Project) -> None:
    with refused(400, {"message": {"base": ["Missing CI config file"]}}):
        project.pipelines.create({"ref": "main"})
    with refused(400, {"error": "ref is missing"}):
        project.manager.gitlab.http_post(f"/projects/{project.id}/pipeline", post_data={})
    assert project.pipelines.list() == []


def test_a_protected_branch_is_for_those_who_may_change_it(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    theirs = person.client.projects.get(project.id)
    reason = (
        "You do not have sufficient permission to run a pipeline on 'main'. Please select a different branch or "
        "contact your administrator for assistance."
    )
    with refused(400, {"message": {"base": [reason]}}):
        theirs.pipelines.create({"ref": "main"})
    theirs.branches.create({"branch": "mine", "ref": "main"})
    with refused(400, {"message": {"base": ["Missing CI config file"]}}):
        theirs.pipelines.create({"ref": "refs/heads/mine"})


def test_reporters_start_nothing(project: Project, person: Person) -> None:
    project.members.create({"user_id": person.id, "access_level": 20})
    with refused(403):
        person.client.projects.get(project.id).pipelines.create({"ref": "main"})


@pytest.mark.parametrize(
    ("role", "level", "allowed"), [("no_one_allowed", 50, False), ("maintainer", 30, False), ("developer", 30, True)]
)
def test_a_role_decides_who_gives_variables(
    project: Project, person: Person, role: str, level: int, allowed: bool
) -> None:
    project.ci_pipeline_variables_minimum_override_role = role
    project.save()
    project.branches.create({"branch": "open", "ref": "main"})
    project.members.create({"user_id": person.id, "access_level": level})
    expected = "Missing CI config file" if allowed else "Insufficient permissions to set pipeline variables"
    with refused(400, {"message": {"base": [expected]}}):
        theirs = person.client.projects.get(project.id)
        theirs.pipelines.create({"ref": "open", "variables": [{"key": "A", "value": "1"}]})


def test_a_job_token_triggers_pipelines_while_the_job_runs(double: Double, project: Project, runner: Robot) -> None:
    add_jobs(double, project, {})
    job = runner.take()
    with refused(400, {"message": {"base": ["Missing CI config file"]}}):
        project.trigger_pipeline("main", job["token"])
    runner.update(job, "success")
    with refused(404):
        project.trigger_pipeline("main", job["token"])


def test_one_failure_ends_all_where_the_configuration_says_so(double: Double, project: Project, runner: Robot) -> None:
    first, second = add_jobs(double, project, {"name": "one"}, {"name": "two"})
    with double.forge.database.write() as session:
        session.get_one(store.Job, first).pipeline.auto_cancel = {"on_job_failure": "all"}
    runner.update(runner.take(), "failed", failure_reason="script_failure")
    assert project.jobs.get(second).status == "canceled"
    assert project.pipelines.list()[0].status == "failed"


def test_a_runner_that_can_ends_a_cancelled_job_in_peace(
    double: Double, project: Project, runner: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(INFO, "features", {"cancelable": True})
    [number] = add_jobs(double, project, {})
    job = runner.take()
    project.jobs.get(number).cancel()
    assert project.jobs.get(number).status == "canceling"
    assert runner.update(job, "failed", failure_reason="script_failure").status_code == 200
    assert project.jobs.get(number).status == "canceled"


def test_force_does_not_wait_for_the_runner(
    double: Double, project: Project, runner: Robot, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(INFO, "features", {"cancelable": True})
    [number] = add_jobs(double, project, {})
    runner.take()
    project.jobs.get(number).cancel()
    project.members.create({"user_id": person.id, "access_level": 30})
    path = f"/projects/{project.id}/jobs/{number}/cancel"
    with refused(403):
        person.client.http_post(path, post_data={"force": True})
    project.manager.gitlab.http_post(path, post_data={"force": True})
    assert project.jobs.get(number).status == "canceled"


@pytest.mark.parametrize(("entry", "allowed"), [({"access_level": 40}, False), ({"access_level": 30}, True)])
def test_a_protected_environment_is_deployed_to_by_those_it_names(
    double: Double, project: Project, person: Person, entry: dict[str, int], allowed: bool
) -> None:
    project.members.create({"user_id": person.id, "access_level": 30})
    environment = project.environments.create({"name": "prod"})
    project.protected_environments.create({"name": "prod", "deploy_access_levels": [entry]})
    options = {"script": ["x"], "environment": {"name": "prod"}}
    by_hand, failed = add_jobs(
        double, project, {"name": "ship", "options": options}, {"name": "again", "options": options}, status="manual"
    )
    with double.forge.database.write() as session:
        first, second = session.get_one(store.Job, by_hand), session.get_one(store.Job, failed)
        first.environment_id = second.environment_id = environment.id
        second.status = "failed"
    theirs = person.client.projects.get(project.id)
    if allowed:
        theirs.jobs.get(by_hand).play()
    else:
        with refused(403):
            theirs.jobs.get(by_hand).play()
    again = theirs.jobs.get(theirs.jobs.get(failed).retry()["id"])
    assert again.status == ("pending" if allowed else "failed")
    assert again.attributes.get("failure_reason") == (None if allowed else "protected_environment_failure")
