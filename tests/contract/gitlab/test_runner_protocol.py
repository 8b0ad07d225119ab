"""The runner protocol, called as gitlab-runner calls it."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import gitlab
import pytest
import requests
from gitlab.v4.objects import Project

from testbed.gitlab import store
from testbed.gitlab.core.clock import now
from testbed.gitlab.pipelines.cancelling import cancel_job
from testbed.gitlab.pipelines.files import trace_file
from testbed.gitlab.pipelines.housekeeping import fail_silent
from tests.contract.gitlab.runner_support import Robot, add_jobs, robot
from tests.contract.gitlab.support import Double, refused


@pytest.fixture
def runner(double: Double, bot: gitlab.Gitlab, project: Project) -> Iterator[Robot]:
    """A runner of the project."""
    with robot(double, bot, project) as found:
        yield found


def facts_of(double: Double, job_id: int) -> tuple[str, str | None, int | None]:
    """Status, failure reason and exit code of a job."""
    with double.forge.database.read() as session:
        job = session.get_one(store.Job, job_id)
        return job.status, job.failure_reason, job.exit_code


def log_of(double: Double, job_id: int) -> bytes:
    with double.forge.database.read() as session:
        return trace_file(double.forge.settings, session.get_one(store.Job, job_id)).read_bytes()


def test_a_token_is_verified_reset_and_given_up(bot: gitlab.Gitlab, runner: Robot) -> None:
    answer = runner.verify()
    assert (answer.status_code, answer.json()["token"]) == (200, runner.token)
    number = answer.json()["id"]
    assert bot.runners.get(number).status == "online"
    (manager,) = bot.http_list(f"/runners/{number}/managers")
    assert (manager["system_id"], manager["version"], manager["platform"]) == (runner.system_id, "18.5.0", "linux")
    fresh = runner.call("POST", "runners/reset_authentication_token", json={"token": runner.token})
    assert fresh.status_code == 201
    assert runner.verify().status_code == 403
    runner.token = fresh.json()["token"]
    body = {"token": runner.token, "system_id": runner.system_id}
    assert runner.verify().status_code == 200
    assert runner.call("DELETE", "runners/managers", json=body).status_code == 204
    assert runner.call("DELETE", "runners/managers", json=body).status_code == 404
    assert runner.call("DELETE", "runners", json={"token": runner.token}).status_code == 204
    with refused(404):
        bot.runners.get(number)


def test_a_wrong_token_opens_nothing(double: Double, project: Project, runner: Robot) -> None:
    (number,) = add_jobs(double, project, {})
    stranger = Robot(double.url, "glrt-nobody")
    job = {"id": number, "token": "glcbt-nothing"}
    with stranger.session:
        answers = [
            stranger.verify(),
            stranger.ask(),
            stranger.trace(job, 0, b"x"),
            stranger.update(job, "success"),
            stranger.upload(job, b"x"),
            stranger.call("GET", f"jobs/{number}/artifacts", headers={"JOB-TOKEN": "glcbt-nothing"}),
        ]
        assert stranger.call("POST", "runners", json={"token": "GR1348941", "info": {}}).status_code == 410
    assert [answer.status_code for answer in answers] == [403] * 6
    assert facts_of(double, number)[0] == "pending"


def test_a_job_has_everything_that_a_runner_needs(double: Double, bot: gitlab.Gitlab, project: Project) -> None:
    options = {
        "before_script": ["echo before"],
        "script": ["make", ["make test"]],
        "after_script": ["rm -rf build"],
        "image": "python:3.12",
        "services": [{"name": "postgres:17", "alias": "db", "variables": {"POSTGRES_DB": "x"}}],
        "variables": {"GIT_DEPTH": "5"},
        "timeout_s": 900,
        "cache": [{"key": {"files": ["README.md"], "prefix": "pip"}, "paths": [".pip"], "policy": "pull"}],
        "artifacts": {
            "name": "dist",
            "paths": ["dist/"],
            "exclude": ["dist/*.tmp"],
            "expire_in": "1 week",
            "reports": {"junit": "junit.xml", "coverage_report": {"coverage_format": "cobertura", "path": "c.xml"}},
        },
    }
    project.variables.create({"key": "SECRET", "value": "hidden-value", "masked": True})
    (number,) = add_jobs(double, project, {"name": "build", "options": options, "tag_list": ["shell"]})
    with robot(double, bot, project, tag_list="shell", maximum_timeout=600) as runner:
        job = runner.take()
    assert (job["id"], job["token"][:6], job["allow_git_fetch"]) == (number, "glcbt-", True)
    assert job["job_info"]["name"] == "build"
    assert job["job_info"]["project_full_path"] == project.path_with_namespace
    assert job["steps"] == [
        {"name": "script", "script": ["echo before", "make", "make test"], "timeout": 600, "when": "on_success",
         "allow_failure": False},
        {"name": "after_script", "script": ["rm -rf build"], "timeout": 600, "when": "always", "allow_failure": True},
    ]  # fmt: skip
    git = job["git_info"]
    host = double.url.removeprefix("http://")
    address = f"http://gitlab-ci-token:{job['token']}@{host}/{project.path_with_namespace}.git"
    assert (git["repo_url"], git["ref"], git["ref_type"], git["depth"]) == (address, "main", "branch", 5)
    assert git["protected"] is True
    assert "+refs/heads/main:refs/remotes/origin/main" in git["refspecs"]
    assert job["image"]["name"] == "python:3.12"
    assert job["services"][0]["variables"] == [{"key": "POSTGRES_DB", "value": "x"}]
    assert job["cache"][0]["key"].startswith("pip-")
    assert job["cache"][0]["key"].endswith("-protected")
    kinds = {each["artifact_type"]: (each["artifact_format"], each["paths"]) for each in job["artifacts"]}
    assert kinds == {
        "archive": ("zip", ["dist/"]),
        "junit": ("gzip", ["junit.xml"]),
        "cobertura": ("gzip", ["c.xml"]),
    }
    known = {each["key"]: each for each in job["variables"]}
    assert known["SECRET"]["masked"] is True
    assert known["CI_JOB_TOKEN"]["value"] == job["token"]
    assert job["features"]["trace_sections"] is True
    assert job["runner_info"]["timeout"] == 600


def test_a_runner_that_asks_again_is_told_nothing_new_or_waits(
    double: Double, project: Project, runner: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("testbed.gitlab.core.routing.HOLD_LIMIT", 0.5)
    first = runner.ask()
    assert (first.status_code, first.content) == (204, b"")
    seen = first.headers["X-GitLab-Last-Update"]
    second = runner.ask(seen)
    assert (second.status_code, second.headers["X-GitLab-Last-Update"]) == (204, seen)
    monkeypatch.setattr("testbed.gitlab.core.routing.HOLD_LIMIT", 30)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(runner.ask, seen)
        (number,) = add_jobs(double, project, {})
        assert waiting.result(20).json()["id"] == number


def test_a_paused_runner_gets_nothing(double: Double, bot: gitlab.Gitlab, project: Project) -> None:
    add_jobs(double, project, {})
    with robot(double, bot, project, paused=True) as runner:
        assert runner.ask().status_code == 204


@pytest.mark.parametrize("runners", [2, 8])
def test_runners_that_ask_at_once_never_get_the_same_job(
    double: Double, bot: gitlab.Gitlab, project: Project, runners: int
) -> None:
    numbers = add_jobs(double, project, *({"name": f"job {index}"} for index in range(12)))
    start = threading.Barrier(runners)
    with robot(double, bot, project) as shared:

        def work(index: int) -> list[int]:
            mine = Robot(double.url, shared.token, f"s_{index}")
            start.wait(10)
            with mine.session:
                found = []
                while (answer := mine.ask()).status_code == 201:
                    found.append(answer.json()["id"])
                return found

        with ThreadPoolExecutor(runners) as pool:
            taken = [number for found in pool.map(work, range(runners)) for number in found]
    assert sorted(taken) == numbers, "every job once, and none is lost"


def test_a_log_arrives_in_pieces_and_goes_on_where_it_broke_off(
    double: Double, project: Project, runner: Robot
) -> None:
    (number,) = add_jobs(double, project, {})
    job = runner.take()
    first = runner.trace(job, 0, b"one\n")
    assert (first.status_code, first.headers["Job-Status"], first.headers["Range"]) == (202, "running", "0-4")
    assert float(first.headers["X-GitLab-Trace-Update-Interval"]) > 0
    assert runner.trace(job, 0, b"one\n").status_code == 202, "sent again as the answer was lost"
    for offset in (1, 2, 9):
        answer = runner.trace(job, offset, b"two\n")
        assert (answer.status_code, answer.headers["Range"]) == (416, "0-4")
    assert runner.trace(job, 4, b"two\n").headers["Range"] == "0-8"
    assert log_of(double, number) == b"one\ntwo\n"
    headers = {"JOB-TOKEN": job["token"], "Content-Type": "text/plain"}
    assert runner.call("PATCH", f"jobs/{number}/trace", data=b"x", headers=headers).status_code == 400


def test_a_job_ends_only_with_its_whole_log(double: Double, project: Project, runner: Robot) -> None:
    (number,) = add_jobs(double, project, {})
    job = runner.take()
    text = b"one\ntwo\n"
    runner.trace(job, 0, text[:4])
    output = {"checksum": f"crc32:{zlib.crc32(text):08x}", "bytesize": len(text)}
    assert runner.update(job, "running").status_code == 200
    assert runner.update(job, "success", output=output, exit_code=0).status_code == 412
    assert facts_of(double, number)[0] == "running"
    assert runner.trace(job, 0, text).status_code == 416
    assert runner.trace(job, 4, text[4:]).status_code == 202
    assert runner.update(job, "success", output=output, exit_code=0).status_code == 200
    assert facts_of(double, number) == ("success", None, 0)
    assert runner.update(job, "success").status_code == 403
    assert runner.trace(job, 8, b"late").status_code == 403


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ({"failure_reason": "script_failure", "exit_code": 7}, ("failed", "script_failure", 7)),
        ({"failure_reason": "runner_system_failure"}, ("failed", "runner_system_failure", None)),
        ({"failure_reason": "something_new"}, ("failed", "unknown_failure", None)),
        ({}, ("failed", "script_failure", None)),
    ],
)
def test_a_failure_says_why(
    double: Double, project: Project, runner: Robot, sent: dict[str, Any], kept: tuple[Any, ...]
) -> None:
    (number,) = add_jobs(double, project, {})
    assert runner.update(runner.take(), "failed", **sent).status_code == 200
    assert facts_of(double, number) == kept


def test_a_cancelled_job_is_told_so_and_ends(double: Double, project: Project, runner: Robot) -> None:
    (number,) = add_jobs(double, project, {})
    job = runner.take()
    with double.forge.database.write() as session:
        cancel_job(double.forge, session, session.get_one(store.Job, number))
    status = facts_of(double, number)[0]
    answer = runner.trace(job, 0, b"one\n")
    if status == "canceling":
        assert (answer.status_code, answer.headers["Job-Status"]) == (202, "canceling")
        assert runner.update(job, "failed", failure_reason="job_canceled").status_code == 200
    else:
        assert answer.status_code == 403
    assert facts_of(double, number)[0] == "canceled"


def test_secrets_are_unreadable_in_the_kept_log_wherever_pieces_are_cut(
    double: Double, project: Project, runner: Robot
) -> None:
    project.variables.create({"key": "PASSWORD", "value": "correct-horse", "masked": True})
    (number,) = add_jobs(double, project, {})
    job = runner.take()
    text = f"a correct-horse, a glpat-{'k' * 20}, {job['token']} and the rest\n".encode()
    for offset in range(0, len(text), 7):
        assert runner.trace(job, offset, text[offset : offset + 7]).status_code == 202
    kept = log_of(double, number)
    assert len(kept) == len(text)
    assert kept.endswith(b" and the rest\n")
    for secret in (b"correct-horse", b"kkkk", job["token"].encode()):
        assert secret not in kept


def test_a_log_that_grows_too_large_fails_the_job(
    double: Double, project: Project, runner: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("testbed.gitlab.api.runner_jobs.MOST_TRACE_BYTES", 1000)
    (number,) = add_jobs(double, project, {})
    job = runner.take()
    assert runner.trace(job, 0, b"x" * 1000).status_code == 202
    answer = runner.trace(job, 1000, b"x")
    assert (answer.status_code, answer.headers["Job-Status"]) == (403, "failed")
    assert facts_of(double, number)[:2] == ("failed", "trace_size_exceeded")


def test_a_silent_runner_loses_its_job_and_a_talking_one_does_not(
    double: Double, project: Project, runner: Robot
) -> None:
    silent, talking = add_jobs(double, project, {"name": "a"}, {"name": "b"})
    runner.take()
    runner.take()
    with double.forge.database.write() as session:
        session.get_one(store.Job, silent).heard_at = now() - timedelta(minutes=5)
    fail_silent(double.forge)
    assert facts_of(double, silent)[:2] == ("failed", "stuck_or_timeout_failure")
    assert facts_of(double, talking)[0] == "running"


def test_a_lost_connection_in_mid_piece_leaves_the_log_whole(double: Double, project: Project, runner: Robot) -> None:
    (number,) = add_jobs(double, project, {})
    job = runner.take()
    runner.trace(job, 0, b"one\n")

    def breaking() -> Iterator[bytes]:
        yield b"tw"
        raise requests.ConnectionError("cut")

    headers = {"JOB-TOKEN": job["token"], "Content-Type": "text/plain", "Content-Range": "4-7"}
    with pytest.raises(requests.ConnectionError):
        runner.call("PATCH", f"jobs/{number}/trace", data=breaking(), headers=headers)
    assert log_of(double, number) == b"one\n"
    assert runner.trace(job, 4, b"two\n").status_code == 202
