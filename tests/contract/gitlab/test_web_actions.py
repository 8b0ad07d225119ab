"""What the buttons on the pages do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testbed.gitlab import store
from tests.contract.gitlab.page_scene import Scene, make_scene
from tests.contract.gitlab.page_visitor import Visitor, words
from tests.contract.gitlab.support import Double


@pytest.fixture(scope="module")
def scene(double: Double) -> Scene:
    return make_scene(double)


@pytest.fixture(scope="module")
def owner(double: Double) -> Iterator[Visitor]:
    """Somebody who may do everything in the scene."""
    made = Visitor(double.url)
    assert made.sign_in(double.bot_token).ok
    yield made
    made.session.close()


def job_status(scene: Scene, name: str) -> str:
    with scene.double.forge.database.read() as session:
        return session.get_one(store.Job, scene.jobs[name]).status


def test_a_manual_job_is_started_by_its_button(owner: Visitor, scene: Scene) -> None:
    path = f"/{scene.path}/-/jobs/{scene.jobs['deploy-job']}"
    assert f'action="{path}/play"' in owner.get(path).text
    assert owner.send(f"{path}/play", page=path).ok
    assert job_status(scene, "deploy-job") == "pending"
    assert owner.send(f"{path}/play", page=path).status_code == 400


def test_a_job_is_retried_and_the_first_attempt_remains(owner: Visitor, scene: Scene) -> None:
    path = f"/{scene.path}/-/jobs/{scene.jobs['security-dev-job']}"
    attempt = owner.send(f"{path}/retry", page=path)
    assert attempt.ok
    assert attempt.url != owner.url + path
    assert "Attempts" in owner.get(path).text
    assert owner.send(f"{path}/retry", page=path).status_code == 400


def test_a_pipeline_is_cancelled_by_its_button(owner: Visitor, double: Double) -> None:
    other = make_scene(double)
    path = f"/{other.path}/-/pipelines/{other.pipeline}"
    assert owner.send(f"{path}/cancel", page=path).ok
    assert job_status(other, "functional-test-job") == "canceled"
    assert "Retry" in owner.get(path).text


def test_a_merge_request_is_merged_by_its_button(owner: Visitor, double: Double) -> None:
    other = make_scene(double)
    path = f"/{other.path}/-/merge_requests/{other.merge_request}"
    assert "Merged" in words(owner.send(f"{path}/merge", page=path).text)
    assert b"archive" in other.project.files.get("src/quota.py", ref="main").decode()
    assert owner.send(f"{path}/merge", page=path).status_code == 405


def test_a_draft_says_why_it_cannot_be_merged(owner: Visitor, scene: Scene) -> None:
    request = scene.project.mergerequests.get(scene.merge_request)
    request.title = "Draft: Give the archive a quota"
    request.save()
    path = f"/{scene.path}/-/merge_requests/{scene.merge_request}"
    text = words(owner.get(path).text)
    assert "Cannot be merged yet" in text
    assert "It is a draft." in text
    assert owner.send(f"{path}/merge", page=path).status_code == 405
