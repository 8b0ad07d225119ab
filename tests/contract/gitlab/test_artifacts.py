"""Artifacts of jobs: left by runners, fetched by people, gone after a while; and Pages."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import gitlab
import pytest
import requests
from gitlab.v4.objects import Project

from testbed.gitlab import store
from testbed.gitlab.core.clock import now
from testbed.gitlab.pipelines.files import artifact_file
from testbed.gitlab.pipelines.housekeeping import drop_expired
from tests.contract.gitlab.runner_support import Robot, add_jobs, archive, robot
from tests.contract.gitlab.support import Double, Person, refused


@pytest.fixture
def runner(double: Double, bot: gitlab.Gitlab, project: Project) -> Iterator[Robot]:
    """A runner of the project."""
    with robot(double, bot, project) as found:
        yield found


def leave(double: Double, project: Project, runner: Robot, content: bytes, **facts: Any) -> int:
    """Run a job that leaves an archive, to its successful end."""
    (number,) = add_jobs(double, project, facts)
    job = runner.take()
    assert runner.upload(job, content).status_code == 201
    assert runner.update(job, "success").status_code == 200
    return number


def test_an_archive_is_fetched_whole_and_in_part(double: Double, project: Project, runner: Robot) -> None:
    content = archive(dist__app_txt="hello", dist__page_html="<p>")
    number = leave(double, project, runner, content, name="build")
    job = project.jobs.get(number)
    assert job.artifacts() == content
    assert job.artifact("dist/app.txt") == b"hello"
    for missing in ("dist/none.txt", "dist", "../../etc/passwd", "%2e%2e/secret"):
        with refused(404):
            job.artifact(missing)
    assert project.artifacts.download("main", "build") == content
    assert project.artifacts.raw("main", "dist/app.txt", "build") == b"hello"
    with refused(404):
        project.artifacts.download("main", "another")
    with refused(404):
        project.artifacts.download("no-branch", "build")


def test_artifacts_are_for_those_who_see_the_project(
    double: Double, project: Project, runner: Robot, person: Person
) -> None:
    number = leave(double, project, runner, archive(a_txt="x"))
    with refused(404):
        person.client.projects.get(project.id, lazy=True).jobs.get(number, lazy=True).artifacts()
    project.members.create({"user_id": person.id, "access_level": 30})
    seen = person.client.projects.get(project.id, lazy=True).jobs.get(number, lazy=True)
    assert seen.artifacts()
    with refused(403):
        seen.delete_artifacts()
    project.jobs.get(number).delete_artifacts()
    with refused(404):
        seen.artifacts()


def test_a_job_fetches_what_jobs_of_its_project_left(
    double: Double, bot: gitlab.Gitlab, project: Project, runner: Robot
) -> None:
    content = archive(a_txt="x")
    first, second = add_jobs(double, project, {"name": "first"}, {"name": "second", "stage_index": 1})
    job = runner.take()
    runner.upload(job, content)
    runner.update(job, "success")
    following = runner.take()
    assert following["id"] == second
    (dependency,) = following["dependencies"]
    assert (dependency["id"], dependency["name"]) == (first, "first")
    assert dependency["artifacts_file"]["size"] == len(content)
    query = f"jobs/{first}/artifacts?direct_download=true"
    answer = runner.call("GET", query, headers={"JOB-TOKEN": dependency["token"]})
    assert (answer.status_code, answer.content) == (200, content)
    other = bot.projects.create(
        {"name": "other", "namespace_id": project.namespace["id"], "initialize_with_readme": True}
    )
    add_jobs(double, other, {})
    with robot(double, bot, other) as foreign:
        answer = foreign.call("GET", query, headers={"JOB-TOKEN": foreign.take()["token"]})
    assert answer.status_code == 403


def test_only_declared_reports_in_their_own_format_are_taken(double: Double, project: Project, runner: Robot) -> None:
    options = {"script": ["true"], "artifacts": {"reports": {"junit": "junit.xml", "terraform": "plan.json"}}}
    (number,) = add_jobs(double, project, {"options": options})
    job = runner.take()
    packed = gzip.compress(b"<testsuite/>")
    sent = [
        runner.upload(job, packed, "junit.xml.gz", artifact_type="junit", artifact_format="gzip"),
        runner.upload(job, b"{}", "plan.json", artifact_type="terraform", artifact_format="raw"),
        runner.upload(job, b"{}", "plan.json", artifact_type="terraform", artifact_format="zip"),
        runner.upload(job, b"{}", "gl.json", artifact_type="codequality", artifact_format="raw"),
        runner.upload(job, b"{}", "plan.json", artifact_type="terraform", artifact_format="raw"),
        runner.upload(job, b"{ }", "plan.json", artifact_type="terraform", artifact_format="raw"),
    ]
    assert [answer.status_code for answer in sent] == [201, 201, 400, 400, 201, 400]
    with double.forge.database.read() as session:
        kinds = {each.file_type for each in session.get_one(store.Job, number).artifacts}
    assert kinds == {"junit", "terraform"}


def test_too_large_an_artifact_is_refused(double: Double, project: Project, runner: Robot) -> None:
    project.max_artifacts_size = 1
    project.save()
    add_jobs(double, project, {})
    job = runner.take()
    assert runner.upload(job, b"x" * (1024 * 1024 + 1)).status_code == 413
    assert runner.upload(job, b"x" * 1024 * 1024).status_code == 201

    def asked(size: int) -> requests.Response:
        body = {"token": job["token"], "filesize": size}
        return runner.call("POST", f"jobs/{job['id']}/artifacts/authorize", json=body)

    assert (asked(2_000_000).status_code, asked(1000).json()["MaximumSize"]) == (413, 1024 * 1024)


def test_artifacts_expire_unless_they_are_the_latest_or_kept(double: Double, project: Project, runner: Robot) -> None:
    numbers = [leave(double, project, runner, archive(a_txt=str(index))) for index in range(3)]
    project.jobs.get(numbers[0]).keep_artifacts()
    with double.forge.database.write() as session:
        for number in numbers[1:]:
            job = session.get_one(store.Job, number)
            job.pipeline.status = "success"
            job.artifacts[0].expire_at = now() - timedelta(seconds=1)
        expired = artifact_file(double.forge.settings, session.get_one(store.Job, numbers[1]).artifacts[0])
    assert expired.is_file()
    drop_expired(double.forge)
    assert not expired.exists()
    assert [bool(project.jobs.get(number).attributes.get("artifacts_file")) for number in numbers] == [
        True,
        False,
        True,
    ]


def test_expiry_is_read_as_people_write_it(double: Double, project: Project, runner: Robot) -> None:
    add_jobs(double, project, {})
    job = runner.take()
    assert runner.upload(job, archive(a_txt="x"), expire_in="a while").status_code == 400
    assert runner.upload(job, archive(a_txt="x"), expire_in="1 week").status_code == 201
    with double.forge.database.read() as session:
        (artifact,) = session.get_one(store.Job, job["id"]).artifacts
        assert artifact.expire_at is not None
        assert abs(artifact.expire_at - now() - timedelta(days=7)) < timedelta(minutes=1)


def test_pages_are_served_from_the_archive_and_nothing_else_is(double: Double, project: Project, runner: Robot) -> None:
    base = f"{double.url}/-/pages/{project.path_with_namespace}"
    assert requests.get(f"{base}/", timeout=20).status_code == 404
    content = archive(
        public__index_html="<h1>Home", public__style_css="p {}", public__docs__index_html="<h1>Docs", secret_txt="no"
    )
    leave(double, project, runner, content, name="pages")
    home = requests.get(base, timeout=20)
    assert (home.status_code, home.text, home.url) == (200, "<h1>Home", f"{base}/")
    assert home.headers["Content-Type"].startswith("text/html")
    assert "sandbox" in home.headers["Content-Security-Policy"]
    assert requests.get(f"{base}/style.css", timeout=20).headers["Content-Type"].startswith("text/css")
    assert requests.get(f"{base}/docs", timeout=20).text == "<h1>Docs"
    for outside in ("%2e%2e/secret.txt", "..%2fsecret.txt", "docs/%2e%2e/%2e%2e/secret.txt", "none.html"):
        assert requests.get(f"{base}/{outside}", timeout=20).status_code == 404, outside


def test_a_damaged_archive_is_an_error_and_no_leak(double: Double, project: Project, runner: Robot) -> None:
    number = leave(double, project, runner, b"no zip at all")
    with refused(404):
        project.jobs.get(number).artifact("a.txt")
