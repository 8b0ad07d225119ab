"""Whole pipelines: pushed, compiled, handed out, run, and shown."""

from __future__ import annotations

import pytest

from tests.contract.gitlab.support import eventually
from tests.contract.runner.conftest import ENDED, Bench

pytestmark = pytest.mark.usefixtures("compiler")

CONFIGURATION = """
stages: [build, test, deploy]

default:
  before_script: [echo "before $CI_JOB_NAME"]

build:
  stage: build
  script:
    - mkdir dist && echo "$CI_COMMIT_SHORT_SHA" > dist/version
    - echo "VERSION=1.2.3" > build.env
  artifacts:
    paths: [dist/]
    reports: {dotenv: build.env}

unit:
  stage: test
  script:
    - test "$(cat dist/version)" = "$CI_COMMIT_SHORT_SHA"
    - test "$VERSION" = 1.2.3

lint:
  stage: test
  needs: []
  script: ["! test -e dist", exit 3]
  allow_failure: true

pages:
  stage: deploy
  script: [mkdir public, 'cp dist/version public/index.html']
  artifacts: {paths: [public]}
"""


def test_a_pushed_pipeline_runs_to_its_end(bench: Bench) -> None:
    project = bench.project
    file = {"action": "create", "file_path": ".gitlab-ci.yml", "content": CONFIGURATION}
    commit = project.commits.create({"branch": "main", "commit_message": "Add a pipeline", "actions": [file]})
    pipeline = eventually(
        lambda: next(
            (each for each in project.pipelines.list(sha=commit.id, get_all=True) if each.status in ENDED), None
        ),
        seconds=90,
    )
    jobs = {job.name: job for job in project.pipelines.get(pipeline.id).jobs.list(get_all=True)}
    logs = {name: project.jobs.get(job.id).trace().decode() for name, job in jobs.items()}
    assert {name: job.status for name, job in jobs.items()} == {
        "build": "success",
        "unit": "success",
        "lint": "failed",
        "pages": "success",
    }, logs
    assert pipeline.status == "success"
    assert "before build" in logs["build"]
    assert project.artifacts.raw("main", "dist/version", "build").decode().strip() == commit.short_id
