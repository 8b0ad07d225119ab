"""Pipelines at work: stages, needs, manual jobs, retries, cancelling, children."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Project

from testbed.gitlab import store
from testbed.gitlab.core.clock import now
from tests.contract.gitlab.pipeline_support import SCENARIOS, begin, run, statuses, work
from tests.contract.gitlab.runner_support import Robot, robot
from tests.contract.gitlab.support import Double, Git, eventually, fresh, make_person, refused

pytestmark = pytest.mark.usefixtures("compiler")


@pytest.fixture(scope="module")
def owner(double: Double) -> gitlab.Gitlab:
    return double.client(double.bot_token)


@pytest.fixture(scope="module")
def ground(owner: gitlab.Gitlab) -> Project:
    """A project with the scenarios; its one runner takes jobs in the order of tests."""
    name = fresh("scenarios")
    group = owner.groups.create({"name": name, "path": name})
    project = owner.projects.create({"name": name, "namespace_id": group.id})
    actions = [
        {"action": "create", "file_path": ".gitlab-ci.yml", "content": SCENARIOS},
        {"action": "create", "file_path": "child.yml", "content": "below: {script: x}\n"},
    ]
    project.commits.create({"branch": "main", "commit_message": "Begin [skip ci]", "actions": actions})
    assert isinstance(project, Project)
    return project


@pytest.fixture(scope="module")
def runner(double: Double, owner: gitlab.Gitlab, ground: Project) -> Iterator[Robot]:
    with robot(double, owner, ground) as found:
        yield found


def test_stages_run_one_after_the_other(ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "stages")
    assert pipeline.status == "pending"
    assert run(runner) == "compile"
    assert {run(runner), run(runner)} == {"unit", "flaky"}
    assert run(runner) == "ship"
    assert run(runner) == "sweep"
    done = ground.pipelines.get(pipeline.id)
    assert done.status == "success"
    assert done.finished_at is not None
    assert statuses(done)["mourn"] == "skipped"


def test_a_failure_stops_later_stages_but_not_what_waits_for_it(ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "stages")
    assert run(runner, "failed", failure_reason="script_failure", exit_code=1) == "compile"
    assert {run(runner), run(runner)} == {"mourn", "sweep"}
    done = ground.pipelines.get(pipeline.id)
    assert done.status == "failed"
    assert {name for name, status in statuses(done).items() if status == "skipped"} == {"unit", "flaky", "ship"}


@pytest.mark.parametrize(
    ("code", "status", "label"), [(137, "success", "passed with warnings"), (1, "failed", "failed")]
)
def test_some_exit_codes_are_allowed(ground: Project, runner: Robot, code: int, status: str, label: str) -> None:
    pipeline = begin(ground, "stages")
    run(runner)
    for _ in range(2):
        job = runner.take()
        failed = job["job_info"]["name"] == "flaky"
        runner.update(job, "failed" if failed else "success", exit_code=code if failed else 0)
    while runner.ask().status_code == 201:
        pass
    ground.pipelines.get(pipeline.id).cancel()
    [flaky] = [job for job in ground.pipelines.get(pipeline.id).jobs.list(all=True) if job.name == "flaky"]
    assert flaky.status == "failed"
    assert flaky.allow_failure is (status == "success")


def test_needs_let_jobs_overtake_stages(ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "dag")
    found = statuses(ground.pipelines.get(pipeline.id))
    assert {name for name, status in found.items() if status == "pending"} == {"dag-a", "dag-b", "dag-d"}
    taken = [runner.take() for _ in range(3)]
    for job in taken:
        runner.update(job, "failed" if job["job_info"]["name"] == "dag-b" else "success")
    assert run(runner) == "dag-c"
    done = ground.pipelines.get(pipeline.id)
    assert statuses(done)["dag-e"] == "skipped", "what it needs has failed"
    assert done.status == "failed"


def test_a_manual_job_blocks_until_somebody_plays_it(owner: gitlab.Gitlab, ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "manual")
    assert pipeline.status == "manual"
    jobs = {job.name: job for job in pipeline.jobs.list(all=True)}
    with refused(400, {"message": "400 Bad request - Unplayable Job"}):
        ground.jobs.get(jobs["behind"].id).play()
    given = {"job_variables_attributes": [{"key": "ANSWER", "value": "42"}]}
    owner.http_post(f"/projects/{ground.id}/jobs/{jobs['gate'].id}/play", post_data=given)
    job = work(runner)
    assert {"key": "ANSWER", "value": "42"}.items() <= next(v for v in job["variables"] if v["key"] == "ANSWER").items()
    assert {"CI_JOB_MANUAL": "true"}.items() <= {v["key"]: v["value"] for v in job["variables"]}.items()
    assert run(runner) == "behind"
    found = ground.pipelines.get(pipeline.id)
    assert statuses(found) == {"gate": "success", "option": "manual", "behind": "success", "soon": "scheduled"}
    assert found.status == "scheduled"
    ground.jobs.get(jobs["soon"].id).play()
    assert run(runner) == "soon"
    assert ground.pipelines.get(pipeline.id).status == "success"


def test_a_delayed_job_starts_by_itself(double: Double, ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "manual")
    jobs = {job.name: job for job in pipeline.jobs.list(all=True)}
    ground.jobs.get(jobs["gate"].id).play()
    run(runner)
    run(runner)
    with double.forge.database.write() as session:
        session.get_one(store.Job, jobs["soon"].id).scheduled_at = now() - timedelta(seconds=1)
    double.forge.planner.wake()
    eventually(lambda: ground.jobs.get(jobs["soon"].id).status == "pending")
    assert run(runner) == "soon"


def test_the_configuration_retries_failures_of_the_kinds_it_names(ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "retry")
    for _ in range(3):
        assert run(runner, "failed", failure_reason="script_failure") == "again"
    assert runner.ask().status_code == 204, "twice and no more"
    assert ground.pipelines.get(pipeline.id).status == "failed"
    assert len(pipeline.jobs.list(all=True)) == 1
    assert len(pipeline.jobs.list(all=True, include_retried=True)) == 3
    other = begin(ground, "retry")
    run(runner, "failed", failure_reason="runner_system_failure")
    assert ground.pipelines.get(other.id).status == "failed"


def test_a_retried_job_gives_what_was_skipped_another_chance(ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "stages")
    run(runner, "failed")
    run(runner)
    run(runner)
    first = next(job for job in ground.pipelines.get(pipeline.id).jobs.list(all=True) if job.name == "compile")
    ground.jobs.get(first.id).retry()
    with refused(403, {"message": "403 Forbidden - Job is not retryable"}):
        ground.jobs.get(first.id).retry()
    assert run(runner) == "compile"
    assert {run(runner), run(runner)} == {"unit", "flaky"}
    assert run(runner) == "ship"
    assert statuses(ground.pipelines.get(pipeline.id))["ship"] == "success"


def test_a_pipeline_is_cancelled_and_retried(ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "stages")
    running = runner.take()
    cancelled = ground.pipelines.get(pipeline.id)
    cancelled.cancel()
    found = ground.pipelines.get(pipeline.id)
    assert found.status == "canceled"
    assert set(statuses(found).values()) == {"canceled"}
    assert runner.update(running, "success").status_code in (403, 404), "its token is void"
    found.retry()
    assert ground.pipelines.get(pipeline.id).status == "pending"
    assert run(runner) == "compile"
    ground.pipelines.get(pipeline.id).cancel()


def test_one_job_at_a_time_has_a_resource_group(ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "lock")
    assert statuses(pipeline) == {"lock-1": "pending", "lock-2": "waiting_for_resource"}
    other = begin(ground, "lock")
    assert other.status == "waiting_for_resource"
    job = runner.take()
    assert runner.ask().status_code == 204
    runner.update(job, "success")
    assert [run(runner) for _ in range(3)] == ["lock-2", "lock-1", "lock-2"]
    assert {ground.pipelines.get(each.id).status for each in (pipeline, other)} == {"success"}


def test_variables_of_reports_reach_the_jobs_that_take_artifacts(ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "env")
    job = runner.take()
    content = gzip.compress(b"FROM_DOTENV=made\nPLACE=dotenv\n")
    sent = runner.upload(job, content, "v.env.gz", artifact_type="dotenv", artifact_format="gzip")
    assert sent.status_code == 201, sent.text
    junit = b"""<?xml version="1.0"?><testsuite name="s"><testcase name="a" classname="c" time="1.5"/>
      <testcase name="b" classname="c"><failure message="no">trace</failure></testcase>
      <testcase name="d"><skipped/></testcase></testsuite>"""
    runner.upload(job, gzip.compress(junit), "junit.xml.gz", artifact_type="junit", artifact_format="gzip")
    runner.update(job, "success")
    found = {}
    for _ in range(2):
        later = work(runner)
        found[later["job_info"]["name"]] = {each["key"]: each["value"] for each in later["variables"]}
    assert found["use"]["MADE"] == "made!"
    assert found["use"]["PLACE"] == "dotenv", "before the job's own"
    assert "FROM_DOTENV" not in found["cut"]
    report = ground.pipelines.get(pipeline.id).test_report.get()
    assert (report.total_count, report.success_count, report.failed_count, report.skipped_count) == (3, 1, 1, 1)
    [suite] = report.test_suites
    assert suite["name"] == "env"
    assert suite["test_cases"][1]["system_output"] == "trace"
    summary = ground.pipelines.get(pipeline.id).test_report_summary.get()
    assert summary.total["count"] == 3
    assert summary.total["time"] == 1.5


def test_a_deploying_job_makes_environment_and_deployment(ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "deploy")
    job = runner.take()
    [running] = ground.deployments.list(status="running")
    assert running.deployable["name"] == "review"
    content = gzip.compress(b"HOST=web\n")
    runner.upload(job, content, "v.env.gz", artifact_type="dotenv", artifact_format="gzip")
    runner.trace(job, 0, b"files 3\ntotal 50%\ntotal 83%\n")
    runner.update(job, "success")
    [environment] = ground.environments.list(name="review/main")
    environment = ground.environments.get(environment.id)
    assert (environment.state, environment.external_url) == ("available", "https://web.example.com")
    assert environment.auto_stop_at is not None
    assert environment.last_deployment["status"] == "success"
    assert ground.pipelines.get(pipeline.id).coverage == "83.00"
    environment.stop()
    assert ground.environments.get(environment.id).state == "stopping"
    assert run(runner) == "stop"
    assert ground.environments.get(environment.id).state == "stopped"


def test_a_bridge_that_depends_follows_its_child(ground: Project, runner: Robot) -> None:
    pipeline = begin(ground, "child")
    child = eventually(lambda: pipeline.bridges.list(all=True)[0].downstream_pipeline)
    below = eventually(
        lambda: [each for each in ground.pipelines.list(source="parent_pipeline") if each.id == child["id"]]
    )
    assert below[0].id not in [each.id for each in ground.pipelines.list(all=True)]
    eventually(lambda: ground.pipelines.get(child["id"]).status == "pending")
    assert statuses(pipeline)["parent"] == "running"
    job = work(runner, "failed")
    assert job["job_info"]["name"] == "below"
    assert "top-below" in [each["value"] for each in job["variables"] if each["key"] == "GIVEN"]
    assert statuses(pipeline) == {"parent": "failed", "after": "skipped"}
    assert ground.pipelines.get(pipeline.id).status == "failed"


def test_children_of_children_end_somewhere(ground: Project) -> None:
    pipeline = begin(ground, "loop")

    def deepest() -> str | None:
        here = pipeline
        while True:
            [bridge] = here.bridges.list(all=True)
            if bridge.status == "failed":
                return str(bridge.attributes.get("failure_reason"))
            if bridge.downstream_pipeline is None:
                return None
            here = ground.pipelines.get(bridge.downstream_pipeline["id"])
            if here.status == "created":
                return None

    assert eventually(deepest) == "reached_max_descendant_pipelines_depth"


def test_a_bridge_to_another_project_needs_rights_there(
    double: Double, root: gitlab.Gitlab, ground: Project, owner: gitlab.Gitlab
) -> None:
    group = owner.groups.create({"name": fresh("target"), "path": fresh("target")})
    target = owner.projects.create({"name": "target", "namespace_id": group.id})
    target.files.create(
        {
            "file_path": ".gitlab-ci.yml",
            "branch": "main",
            "content": "below: {script: x}\n",
            "commit_message": "x [ci skip]",
        }
    )
    pipeline = begin(ground, "away", TARGET=target.path_with_namespace)
    eventually(lambda: statuses(pipeline)["away"] == "success")
    assert [each.source for each in target.pipelines.list()] == ["pipeline", "push"]
    nowhere = begin(ground, "away", TARGET="no/such")
    assert [each.failure_reason for each in nowhere.bridges.list()] == ["downstream_bridge_project_not_found"]
    person = make_person(double, root)
    ground.members.create({"user_id": person.id, "access_level": 40})
    theirs = begin(person.client.projects.get(ground.id), "away", TARGET=target.path_with_namespace)
    assert [each.failure_reason for each in theirs.bridges.list()] == ["insufficient_bridge_permissions"]


def _two(found: list[Any]) -> list[Any]:
    """The newest two of a branch, once there are two beside the one that was asked not to run."""
    wanted = [each for each in found if each.status != "skipped"]
    return wanted if len(wanted) == 2 else []


def test_a_newer_commit_cancels_what_has_not_begun(ground: Project, runner: Robot) -> None:
    branch = fresh("redundant")
    ground.branches.create({"branch": branch, "ref": "main"})
    for text in ("one", "two"):
        ground.files.create({"file_path": text, "branch": branch, "content": "1", "commit_message": text})
    newer, older = (each.id for each in eventually(lambda: _two(ground.pipelines.list(ref=branch, source="push"))))
    eventually(lambda: ground.pipelines.get(older).status == "canceled")
    assert run(runner) == "on-push"
    assert ground.pipelines.get(newer).status == "success"


def test_pushes_can_ask_for_none_or_bring_variables(
    double: Double, ground: Project, runner: Robot, git: Git, tmp_path_factory: pytest.TempPathFactory
) -> None:
    remote = double.remote(ground.path_with_namespace, double.bot_token)
    git("fetch", "--quiet", remote, "main")
    git("reset", "--quiet", "--hard", "FETCH_HEAD")
    for branch, message, option in (
        ("p-message", "x [CI SKIP]", ""),
        ("p-option", "x", "ci.skip"),
        ("p-variable", "x", "ci.variable=GREETING=hello=you"),
    ):
        git.commit(branch, branch, message)
        git("push", "--quiet", *(["--push-option", option] if option else []), remote, f"HEAD:refs/heads/{branch}")
    assert [each.status for each in ground.pipelines.list(ref="p-message")] == ["skipped"]
    assert [each.status for each in ground.pipelines.list(ref="p-option")] == ["skipped"]
    eventually(lambda: [each for each in ground.pipelines.list(ref="p-variable") if each.status == "pending"])
    job = work(runner)
    assert {each["key"]: each["value"] for each in job["variables"]}["GREETING"] == "hello=you"


def test_a_trigger_token_starts_pipelines_as_its_owner(double: Double, ground: Project, runner: Robot) -> None:
    trigger = ground.triggers.create({"description": "outside"})
    pipeline = ground.trigger_pipeline("main", trigger.token, variables={"GREETING": "hi"})
    assert (pipeline.source, pipeline.user["username"]) == ("trigger", "bighpc-bot")
    job = work(runner)
    found = {each["key"]: each["value"] for each in job["variables"]}
    assert (found["GREETING"], found["CI_PIPELINE_TRIGGERED"]) == ("hi", "true")
    with refused(404):
        ground.trigger_pipeline("main", "glptt-wrong")
    with refused(400, {"message": {"base": ["Reference not found"]}}):
        ground.trigger_pipeline("nowhere", trigger.token)


def test_a_schedule_is_played_and_runs_by_itself(double: Double, ground: Project, runner: Robot) -> None:
    schedule = ground.pipelineschedules.create({"ref": "main", "description": "nightly", "cron": "0 1 * * *"})
    ground.pipelineschedules.get(schedule.id).play()
    eventually(lambda: len(schedule.pipelines.list()) == 1)
    eventually(lambda: ground.pipelineschedules.get(schedule.id).last_pipeline["status"] == "pending")
    assert run(runner) == "on-schedule"
    with double.forge.database.write() as session:
        session.get_one(store.Schedule, schedule.id).next_run_at = now() - timedelta(seconds=1)
    double.forge.planner.wake()
    eventually(lambda: len(schedule.pipelines.list()) == 2)
    assert ground.pipelineschedules.get(schedule.id).next_run_at > now().isoformat()
    eventually(lambda: ground.pipelineschedules.get(schedule.id).last_pipeline["status"] == "pending")
    assert run(runner) == "on-schedule"


def test_a_schedule_of_somebody_who_left_does_not_run(double: Double, root: gitlab.Gitlab, ground: Project) -> None:
    person = make_person(double, root)
    ground.members.create({"user_id": person.id, "access_level": 30})
    theirs = person.client.projects.get(ground.id)
    schedule = theirs.pipelineschedules.create({"ref": "main", "description": "mine", "cron": "0 1 * * *"})
    ground.members.delete(person.id)
    with double.forge.database.write() as session:
        session.get_one(store.Schedule, schedule.id).next_run_at = now() - timedelta(seconds=1)
    double.forge.planner.wake()
    eventually(lambda: ground.pipelineschedules.get(schedule.id).next_run_at > now().isoformat())
    assert ground.pipelineschedules.get(schedule.id).pipelines.list() == []


def test_a_merge_request_has_a_pipeline_of_its_own(ground: Project, runner: Robot) -> None:
    branch = fresh("feature")
    ground.branches.create({"branch": branch, "ref": "main"})
    ground.files.create({"file_path": branch, "branch": branch, "content": "1", "commit_message": "one"})
    [pushed] = eventually(lambda: ground.pipelines.list(ref=branch, status="pending"))
    ground.pipelines.get(pushed.id).cancel()
    request = ground.mergerequests.create({"source_branch": branch, "target_branch": "main", "title": "Feature"})
    [pipeline] = eventually(lambda: [p for p in request.pipelines.list() if p.source == "merge_request_event"])
    eventually(lambda: ground.pipelines.get(pipeline.id).status == "pending")
    job = work(runner)
    assert job["job_info"]["name"] == "on-request"
    found = {each["key"]: each["value"] for each in job["variables"]}
    assert found["CI_MERGE_REQUEST_IID"] == str(request.iid)
    assert found["CI_MERGE_REQUEST_TARGET_BRANCH_NAME"] == "main"
    assert found["CI_OPEN_MERGE_REQUESTS"] == f"{ground.path_with_namespace}!{request.iid}"
    assert "CI_COMMIT_BRANCH" not in found
    assert found["CI_COMMIT_REF_NAME"] == branch


def test_a_broken_configuration_is_a_failed_pipeline(ground: Project) -> None:
    branch = fresh("broken")
    ground.branches.create({"branch": branch, "ref": "main"})
    file = ground.files.get(".gitlab-ci.yml", ref=branch)
    file.content = "include: gone.yml"
    file.save(branch=branch, commit_message="Break it")
    broken = eventually(lambda: ground.pipelines.list(ref=branch, yaml_errors=True))[0]
    found = ground.pipelines.get(broken.id)
    assert (found.status, found.yaml_errors) == ("failed", "Local file `gone.yml` does not exist!")
    with refused(400, {"message": {"base": ["Local file `gone.yml` does not exist!"]}}):
        ground.pipelines.create({"ref": branch})


def test_no_job_means_no_pipeline(ground: Project) -> None:
    reason = (
        "Pipeline will not run for the selected trigger. "
        "The rules configuration prevented any jobs from being added to the pipeline."
    )
    with refused(400, {"message": {"base": [reason]}}):
        begin(ground, "none of them")


def test_what_was_noted_before_a_restart_is_compiled_after_it(double: Double, ground: Project, runner: Robot) -> None:
    with double.forge.database.write() as session:
        project = session.get_one(store.Project, ground.id)
        sha = str(double.forge.storage.open(ground.id).branches["main"].target)
        user = session.get_one(store.User, project.creator_id)
        pipeline = store.Pipeline(
            project=project, iid=9999, sha=sha, before_sha="0" * 40, ref="main", source="push", user=user
        )
        session.add(pipeline)
        session.flush()
        number = pipeline.id
    double.forge.planner.wake()
    eventually(lambda: ground.pipelines.get(number).status == "pending")
    assert run(runner) == "on-push"
