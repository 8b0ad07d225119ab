"""The Pages site of a project, as the API shows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from gitlab.v4.objects import Project
from sqlalchemy.orm import Session

from testbed.gitlab.store import Artifact, Database, Job, Pipeline
from tests.contract.gitlab.support import Double, Person, refused


@contextmanager
def database(double: Double) -> Iterator[Session]:
    """The double's database, for what takes a runner otherwise."""
    opened = Database(double.data / "gitlab.sqlite3")
    with opened.write() as session:
        yield session
    opened.close()


def publish(double: Double, project: Project) -> None:
    """Let a job have published a site."""
    sha = project.branches.get("main").commit["id"]
    with database(double) as session:
        iid = len(project.pipelines.list(get_all=True)) + 1
        pipeline = Pipeline(
            project_id=project.id, iid=iid, sha=sha, before_sha=sha, ref="main", source="push", status="success"
        )
        session.add(pipeline)
        session.flush()
        job = Job(pipeline_id=pipeline.id, project_id=project.id, name="pages", stage="deploy", status="success")
        session.add(job)
        session.flush()
        archive = {"file_type": "archive", "file_format": "zip", "filename": "a.zip", "size": 1, "sha256": "0" * 64}
        session.add(Artifact(job_id=job.id, **archive))


@pytest.fixture
def published(double: Double, project: Project) -> Project:
    """A project with a site."""
    publish(double, project)
    return project


def test_a_site_is_shown_and_changed(double: Double, published: Project) -> None:
    site = published.pages.get()
    assert site.url == f"{double.url}/-/pages/{published.path_with_namespace}"
    assert (site.is_unique_domain_enabled, site.force_https) == (True, False)
    assert [each["root_directory"] for each in site.deployments] == ["public"]
    published.pages.update(new_data={"pages_unique_domain_enabled": False, "pages_https_only": True})
    site = published.pages.get()
    assert (site.is_unique_domain_enabled, site.force_https) == (False, True)


def test_a_site_is_taken_down_until_a_job_publishes_again(double: Double, published: Project) -> None:
    published.pages.delete()
    with refused(404, {"message": "404 Not Found"}):
        published.pages.get()
    publish(double, published)
    assert published.pages.get().deployments


def test_a_site_is_for_maintainers_to_manage(published: Project, person: Person, double: Double) -> None:
    published.members.create({"user_id": person.id, "access_level": 30})
    theirs = person.client.projects.get(published.id, lazy=True)
    with refused(403):
        theirs.pages.get()
    with refused(403):
        theirs.pages.delete()
    with refused(401):
        double.client().http_get(f"/projects/{published.id}/pages")
