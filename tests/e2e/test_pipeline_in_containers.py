"""The same pipeline with every job in a container of the real node: no daemon, no privileges, nobody is root."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

import pytest

from testbed.host.packages import find_command
from tests.e2e.team import MAIN_JOBS, Team, make_team
from tests.integration.own_testbed import OwnTestbed

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        os.geteuid() != 0 or find_command("apt-get") is None, reason="the images are made by root on Debian alone"
    ),
]

SLOPPY = """import subprocess


def run(line):
    password = "correct-horse-battery-staple"
    return subprocess.run(line, shell=True), undefined
"""
"""A lint error, and something for each scanner to find."""


@pytest.fixture(scope="module")
def team(shared_testbed: OwnTestbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A team whose jobs run in containers, of images that this machine has made."""
    if not shared_testbed.context.real_node:
        pytest.skip("no containers run here: the machine has no real node")
    for image in ("ci-python", "ci-build"):
        code, said = shared_testbed.run("image", image)
        assert code == 0, said
    inputs = {
        "executor": "docker",
        "runner-tags": ["container"],
        "image-mirror": "registry.bighpc.test/",
        "image": "ci-python:1",
        "build-image": "ci-build:1",
        # One pipeline with every job.
        "promote-if": "$CI_COMMIT_TAG || $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH",
    }
    with make_team(shared_testbed, tmp_path_factory.mktemp("team"), "greeter-in-containers", inputs) as made:
        yield made


def test_all_stages_run_in_containers_and_the_digest_arrives_in_every_environment(team: Team) -> None:
    team.commit()
    team.git("tag", "v1.0.0")
    team.git("push", "--quiet", "origin", "v1.0.0")
    pipeline = team.finished(ref="v1.0.0")
    jobs = team.jobs(pipeline)
    assert pipeline.status == "success", team.report([pipeline])
    assert set(jobs) == {*MAIN_JOBS, "deploy-job"}
    for job in jobs.values():
        image = "ci-build:1" if job.name == "build-job" else "ci-python:1"
        assert f"container executor with image registry.bighpc.test/{image}" in team.log(job), job.name
    built = team.log(jobs["build-job"])
    assert " with crane" in built
    assert "1 passed" in team.log(jobs["integration-test-job"])
    for branch in ("dev", "preview", "prod"):
        digest = team.promoted(branch)
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest or ""), f"{branch} runs a digest"
        assert f"@{digest}" in built, "what was built is what arrived"
        [newest] = team.environments.commits.list(ref_name=branch, per_page=1, get_all=False)
        assert pipeline.web_url in newest.message, "the commit says where it comes from"
    assert team.project.releases.get("v1.0.0").tag_name == "v1.0.0"


def test_a_failing_lint_and_what_scanners_find_stop_it_before_promotion(team: Team) -> None:
    before = team.promoted("dev")
    (team.tree / "greeter" / "sloppy.py").write_text(SLOPPY)
    commit = team.push("main")
    pipeline = team.finished(sha=commit)
    jobs = team.jobs(pipeline)
    assert pipeline.status == "failed"
    assert jobs["lint-test-job"].status == "failed", team.report([pipeline])
    assert "F821" in team.log(jobs["lint-test-job"])
    scanned = team.log(jobs["security-dev-job"])
    assert jobs["security-dev-job"].status == "failed", scanned
    assert "greeter/sloppy.py:6 bandit B602" in scanned
    assert "greeter/sloppy.py:5 detect-secrets" in scanned
    assert jobs["promote-dev-job"].status in ("skipped", "created"), "nothing is promoted"
    assert team.promoted("dev") == before
