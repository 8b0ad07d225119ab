"""Pipelines that run: one configuration with a scenario per test, and a runner that does as it is told."""

from __future__ import annotations

from typing import Any

from gitlab.v4.objects import Project, ProjectPipeline

from tests.contract.gitlab.runner_support import Robot

__all__ = ["SCENARIOS", "begin", "run", "statuses", "work"]

SCENARIOS = """
stages: [build, test, deploy, end]
variables: {PLACE: top}
.stages: &stages {rules: [{if: $S == "stages"}], script: x}
compile: {<<: *stages, stage: build}
unit: {<<: *stages, stage: test}
flaky: {<<: *stages, stage: test, allow_failure: {exit_codes: [137]}}
ship: {<<: *stages, stage: deploy}
mourn: {script: x, stage: end, rules: [{if: $S == "stages", when: on_failure}]}
sweep: {script: x, stage: end, rules: [{if: $S == "stages", when: always}]}

dag-a: {script: x, stage: build, rules: [{if: $S == "dag"}]}
dag-b: {script: x, stage: build, rules: [{if: $S == "dag"}]}
dag-c: {script: x, stage: deploy, needs: [dag-a], rules: [{if: $S == "dag"}]}
dag-d: {script: x, stage: end, needs: [], rules: [{if: $S == "dag"}]}
dag-e: {script: x, stage: end, needs: [dag-b], rules: [{if: $S == "dag"}]}

gate: {script: x, stage: build, rules: [{if: $S == "manual", when: manual}]}
option: {script: x, stage: build, rules: [{if: $S == "manual", when: manual, allow_failure: true}]}
behind: {script: x, stage: test, rules: [{if: $S == "manual"}]}
soon: {script: x, stage: end, rules: [{if: $S == "manual", when: delayed, start_in: 1 day}]}

again: {script: x, retry: {max: 2, when: [script_failure]}, rules: [{if: $S == "retry"}]}

lock-1: {script: x, stage: build, resource_group: one, rules: [{if: $S == "lock"}]}
lock-2: {script: x, stage: build, resource_group: one, rules: [{if: $S == "lock"}]}

env: {script: x, stage: build, artifacts: {reports: {dotenv: v.env, junit: j.xml}}, rules: [{if: $S == "env"}]}
use: {script: x, stage: test, variables: {PLACE: job, MADE: "$FROM_DOTENV!"}, rules: [{if: $S == "env"}]}
cut: {script: x, stage: test, needs: [{job: env, artifacts: false}], rules: [{if: $S == "env"}]}

review:
  script: x
  stage: deploy
  coverage: '/total (\\d+)%/'
  environment: {name: review/$CI_COMMIT_REF_SLUG, url: "https://$HOST.example.com", on_stop: stop, auto_stop_in: 1 day}
  artifacts: {reports: {dotenv: v.env}}
  rules: [{if: $S == "deploy"}]
stop:
  script: x
  stage: deploy
  environment: {name: review/$CI_COMMIT_REF_SLUG, action: stop}
  rules: [{if: $S == "deploy", when: manual, allow_failure: true}]

parent:
  stage: test
  variables: {GIVEN: "$PLACE-below"}
  trigger: {include: child.yml, strategy: depend}
  rules: [{if: $S == "child"}]
after: {script: x, stage: end, rules: [{if: $S == "child"}]}
loop:
  stage: test
  trigger: {include: .gitlab-ci.yml}
  rules: [{if: $S == "loop"}, {if: $CI_PIPELINE_SOURCE == "parent_pipeline"}]
away: {stage: test, trigger: {project: $TARGET}, rules: [{if: $S == "away"}]}

on-push: {script: x, rules: [{if: $CI_PIPELINE_SOURCE == "push"}]}
on-schedule: {script: x, rules: [{if: $CI_PIPELINE_SOURCE == "schedule"}]}
on-trigger: {script: x, rules: [{if: $CI_PIPELINE_SOURCE == "trigger"}]}
on-request: {script: x, rules: [{if: $CI_PIPELINE_SOURCE == "merge_request_event"}]}
"""


def begin(project: Project, scenario: str, **variables: str) -> ProjectPipeline:
    """Start the pipeline of a scenario."""
    given = [{"key": key, "value": value} for key, value in {"S": scenario, **variables}.items()]
    made = project.pipelines.create({"ref": "main", "variables": given})
    assert isinstance(made, ProjectPipeline)
    return made


def run(robot: Robot, state: str = "success", log: str = "", **facts: Any) -> str:
    """Let the runner take a job and end it; the job's name."""
    return work(robot, state, log, **facts)["job_info"]["name"]  # type: ignore[no-any-return]  # JSON


def work(robot: Robot, state: str = "success", log: str = "", **facts: Any) -> dict[str, Any]:
    """The same; the whole job."""
    job = robot.take()
    if log:
        assert robot.trace(job, 0, log.encode()).status_code == 202
    assert robot.update(job, state, **facts).status_code == 200
    return job


def statuses(pipeline: ProjectPipeline) -> dict[str, str]:
    """The jobs of a pipeline with their statuses, bridges included."""
    return {each.name: each.status for each in [*pipeline.jobs.list(all=True), *pipeline.bridges.list(all=True)]}
