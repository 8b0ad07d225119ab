"""What a research-software team does with the forge: a project from the template, pushed with plain git.

The runner, the pipelines, the registry and the environment repository are those of a testbed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.browser.browser import chromium
from tests.e2e.team import MAIN_JOBS, Team, make_team
from tests.integration.own_testbed import OwnTestbed

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def team(shared_testbed: OwnTestbed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """A team whose jobs run on the runner's machine."""
    inputs = {"executor": "shell", "runner-tags": ["shell"]}
    with make_team(shared_testbed, tmp_path_factory.mktemp("team"), "greeter", inputs) as made:
        yield made


def test_a_push_runs_all_stages_and_the_digest_arrives_with_a_link(team: Team) -> None:
    commit = team.push("main")
    pipeline = team.finished(sha=commit)
    jobs = team.jobs(pipeline)
    assert pipeline.status == "success", team.report([pipeline])
    assert set(jobs) == MAIN_JOBS
    for job in jobs.values():
        assert "Job succeeded" in team.log(job) or job.allow_failure, f"{job.name} tells how it ended"
    assert "the bill of materials is attached to the image: sha256:" in team.log(jobs["security-prev-job"])
    for branch in ("dev", "preview"):
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", team.promoted(branch) or ""), f"{branch} runs a digest"
        [newest] = team.environments.commits.list(ref_name=branch, per_page=1, get_all=False)
        assert pipeline.web_url in newest.message, "the commit says where it comes from"
    assert team.promoted("dev") == team.promoted("preview"), "what was tested is what goes on"
    assert team.promoted("prod") is None


def test_a_tag_deploys_to_production_and_makes_the_release(team: Team) -> None:
    team.git("tag", "v1.0.0")
    team.git("push", "--quiet", "origin", "v1.0.0")
    pipeline = team.finished(ref="v1.0.0")
    assert pipeline.status == "success", team.report([pipeline])
    assert team.promoted("prod") == team.promoted("preview")
    assert team.project.releases.get("v1.0.0").tag_name == "v1.0.0"


def test_a_failing_lint_stops_it_before_promotion(team: Team) -> None:
    before = team.promoted("dev")
    (team.tree / "greeter" / "sloppy.py").write_text("import os\n")
    commit = team.push("main")
    pipeline = team.finished(sha=commit)
    jobs = team.jobs(pipeline)
    assert pipeline.status == "failed"
    assert jobs["lint-test-job"].status == "failed", team.report([pipeline])
    assert jobs["promote-dev-job"].status in ("skipped", "created"), "nothing is promoted"
    assert team.promoted("dev") == before
    team.git("revert", "--no-edit", "HEAD")
    team.git("push", "--quiet", "--push-option=ci.skip", "origin", "main")


def test_the_log_of_each_job_can_be_read_on_the_page(team: Team) -> None:
    [newest] = team.project.pipelines.list(ref="v1.0.0", per_page=1, get_all=False)
    with chromium(team.client.url) as browser:
        browser.sign_in(str(team.client.private_token))
        for job in newest.jobs.list(get_all=True):
            browser.open(f"/{team.project.path_with_namespace}/-/jobs/{job.id}")
            assert job.name in browser.text
            end = "Job succeeded" if job.status == "success" else "Job failed"
            assert end in browser.find("#log").text, f"the end of the log of {job.name}, which is {job.status}"


def test_no_log_shows_a_token(team: Team) -> None:
    for pipeline in team.project.pipelines.list(iterator=True):
        for job in pipeline.jobs.list(get_all=True):
            assert team.token not in team.log(job), f"{job.name} of pipeline {pipeline.id}"
