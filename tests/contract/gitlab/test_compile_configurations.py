"""Whole configurations, compiled: includes, expansion, rules, and GitLab's complaints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gitlab
import pytest
from gitlab.v4.objects import Project

from testbed.gitlab.store import Pipeline
from tests.contract.gitlab.support import Double, fresh, make_person, refused

pytestmark = pytest.mark.usefixtures("compiler")

CONFIGURATION = """
include:
  - local: /ci/*.yml
  - {local: optional.yml, rules: [{if: '$CI_COMMIT_BRANCH == "nowhere"'}]}
  - {project: $CI_PROJECT_PATH, file: [/shared.yml], ref: $CI_COMMIT_SHA}
workflow:
  name: "Run for $CI_COMMIT_REF_NAME"
  auto_cancel: {on_new_commit: interruptible}
  rules:
    - if: $CI_COMMIT_TAG
      when: never
    - if: $CI_COMMIT_BRANCH
      variables: {FROM_WORKFLOW: "yes"}
default:
  tags: [shell]
  retry: {max: 1, when: runner_system_failure}
  image: {name: alpine, pull_policy: always}
variables:
  LEVEL: {value: global, description: How deep}
  PLAIN: $LEVEL-x
stages: [build, test, deploy]
build:
  extends: .common
  stage: build
  script:
    - !reference [.scripts, prepare]
    - make
  cache: {key: k, paths: [a], fallback_keys: [old]}
  rules:
    - {if: '$LEVEL == "other"', when: never}
    - {if: '$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH', variables: {LEVEL: rule}, allow_failure: true}
matrix:
  stage: test
  script: t
  inherit: {default: [image], variables: [LEVEL]}
  parallel:
    matrix:
      - {OS: [a, b], ARCH: x}
copies: {script: t, parallel: 2, timeout: 1h 30m}
never: {script: t, rules: [{if: $MISSING}]}
by-hand: {stage: deploy, script: d, when: manual, needs: [matrix, {job: never, optional: true}]}
later: {stage: deploy, script: d, when: delayed, start_in: 30 minutes, dependencies: [matrix]}
prod:
  stage: deploy
  script: d
  environment: {name: $CI_COMMIT_REF_SLUG/prod, url: "https://$CI_ENVIRONMENT_SLUG"}
  resource_group: $CI_COMMIT_REF_NAME
  rules: [{exists: [docs/*.md], when: manual}]
child: {stage: .post, trigger: {include: [{local: ci/child.yml}], strategy: depend}}
"""

FILES = {
    ".gitlab-ci.yml": CONFIGURATION,
    "ci/common.yml": ".common:\n  variables: {LEVEL: common, LONG: {value: $X, expand: false}}\n",
    "ci/scripts.yml": ".scripts:\n  prepare: [a, b]\n",
    "shared.yml": "from-shared:\n  script: [shared]\n",
    "docs/a.md": "",
    "loop.yml": "include: loop.yml",
}


def filled(client: gitlab.Gitlab, files: dict[str, str], **facts: Any) -> Project:
    """A project with files on its default branch."""
    name = fresh("compiled")
    group = client.groups.create({"name": name, "path": name})
    project = client.projects.create({"name": name, "namespace_id": group.id, **facts})
    actions = [{"action": "create", "file_path": path, "content": text} for path, text in files.items()]
    project.commits.create({"branch": "main", "commit_message": "Begin", "actions": actions})
    assert isinstance(project, Project)
    return project


@pytest.fixture(scope="module")
def module_bot(double: Double) -> gitlab.Gitlab:
    return double.client(double.bot_token)


@pytest.fixture(scope="module")
def compiled(module_bot: gitlab.Gitlab) -> Project:
    """A project with the configuration above."""
    return filled(module_bot, FILES)


@pytest.fixture(scope="module")
def jobs(compiled: Project) -> dict[str, dict[str, Any]]:
    """Its jobs, by name."""
    found = compiled.ci_lint.get(include_jobs=True)
    assert found.valid, found.errors
    return {job["name"]: job for job in found.jobs}


def test_rules_matrix_and_includes_decide_which_jobs_there_are(jobs: dict[str, Any]) -> None:
    assert list(jobs) == [
        "from-shared", "build", "matrix: [a, x]", "matrix: [b, x]", "copies 1/2", "copies 2/2", "by-hand", "later",
        "prod", "child",
    ]  # fmt: skip


def test_extends_and_references_are_filled_in(jobs: dict[str, Any]) -> None:
    assert jobs["build"]["script"] == ["a", "b", "make"]


def test_defaults_are_inherited_as_far_as_a_job_allows(jobs: dict[str, Any]) -> None:
    assert jobs["build"]["tag_list"] == ["shell"]
    assert jobs["matrix: [a, x]"]["tag_list"] == []


def test_manual_jobs_may_fail_unless_rules_make_them_manual(jobs: dict[str, Any]) -> None:
    assert (jobs["by-hand"]["when"], jobs["by-hand"]["allow_failure"]) == ("manual", True)
    assert (jobs["prod"]["when"], jobs["prod"]["allow_failure"]) == ("manual", False)


def test_needs_name_every_copy_and_leave_out_what_is_optional_and_absent(jobs: dict[str, Any]) -> None:
    assert [need["job"] for need in jobs["by-hand"]["needs"]] == ["matrix: [a, x]", "matrix: [b, x]"]


def test_the_stored_jobs_have_everything_that_was_configured(double: Double, compiled: Project) -> None:
    started = compiled.pipelines.create({"ref": "main"})
    assert (started.name, started.status) == ("Run for main", "pending")
    with double.forge.database.read() as session:
        pipeline = session.get_one(Pipeline, started.id)
        found = {job.name: job for job in pipeline.jobs}
        assert pipeline.auto_cancel == {"on_new_commit": "interruptible"}
        build, matrix, prod = found["build"], found["matrix: [a, x]"], found["prod"]
        assert build.options["variables"]["LEVEL"] == "rule"
        assert build.options["variables"]["FROM_WORKFLOW"] == "yes"
        assert build.options["variables"]["LONG"] == {"value": "$X", "expand": False}
        assert build.options["cache"][0]["fallback_keys"] == ["old"]
        assert build.options["image"] == {"name": "alpine", "pull_policy": "always"}
        assert build.options["retry"] == {"max": 1, "when": "runner_system_failure"}
        assert build.allow_failure
        assert set(matrix.options["variables"]) == {"LEVEL", "OS", "ARCH"}
        assert matrix.options["node"] == {"index": 1, "total": 2}
        assert found["copies 1/2"].options["timeout_s"] == 5400
        assert found["later"].start_in_s == 1800
        assert found["later"].options["dependencies"] == ["matrix: [a, x]", "matrix: [b, x]"]
        assert prod.options["resource_group"] == "main"
        assert prod.environment is not None
        assert prod.environment.name == "main/prod"
        assert (found["child"].kind, found["child"].stage) == ("bridge", ".post")


def test_a_workflow_that_says_never_prevents_the_pipeline(compiled: Project) -> None:
    compiled.tags.create({"tag_name": "v1", "ref": "main"})
    with refused(400, {"message": {"base": ["Pipeline filtered out by workflow rules."]}}):
        compiled.pipelines.create({"ref": "v1"})


def test_the_merged_configuration_is_shown(compiled: Project) -> None:
    merged = compiled.ci_lint.get().merged_yaml
    assert merged.startswith("---\n")
    assert "from-shared" in merged
    assert "!reference" not in merged


def test_the_configuration_may_be_elsewhere(module_bot: gitlab.Gitlab, compiled: Project) -> None:
    place = f"shared.yml@{compiled.path_with_namespace}:main"
    other = filled(module_bot, {"a": "b"}, ci_config_path=place)
    found = other.ci_lint.get(include_jobs=True)
    assert [job["name"] for job in found.jobs] == ["from-shared"]
    other.ci_config_path = f"gone.yml@{compiled.path_with_namespace}"
    other.save()
    assert other.ci_lint.get().errors == [f"Project `{compiled.path_with_namespace}` file `gone.yml` does not exist!"]


COMPONENT = """
spec:
  inputs:
    stage: {default: test}
    level: {type: number, options: [1, 2], default: 1}
---
scan-$[[ inputs.level ]]:
  stage: $[[ inputs.stage ]]
  script: [scan]
  parallel: $[[ inputs.level ]]
"""


def test_components_come_from_the_newest_fitting_version_of_a_readable_project(
    double: Double, root: gitlab.Gitlab, module_bot: gitlab.Gitlab
) -> None:
    library = filled(module_bot, {"templates/scan.yml": COMPONENT.replace("scan]", "old]")})
    library.tags.create({"tag_name": "1.0.0", "ref": "main"})
    library.files.create(
        {"file_path": "templates/scan/template.yml", "branch": "main", "content": "x: y", "commit_message": "no"}
    )
    file = library.files.get("templates/scan.yml", ref="main")
    file.content = COMPONENT
    file.save(branch="main", commit_message="new")
    library.tags.create({"tag_name": "1.2.0", "ref": "main"})
    library.tags.create({"tag_name": "2.0.0-rc1", "ref": "main"})
    address = f"$CI_SERVER_FQDN/{library.path_with_namespace}/scan"

    def including(version: str, level: int = 2) -> str:
        return f"include:\n  - component: {address}@{version}\n    inputs: {{level: {level}}}\n"

    user = filled(module_bot, {".gitlab-ci.yml": including("1")})
    answer = user.ci_lint.get(include_jobs=True)
    assert answer.valid, answer.errors
    assert [(job["name"], job["script"]) for job in answer.jobs] == [
        ("scan-2 1/2", ["scan"]),
        ("scan-2 2/2", ["scan"]),
    ]
    unknown = user.ci_lint.create({"content": including("7.0.0")})
    assert unknown.errors == [
        f"Component `{double.url.removeprefix('http://')}/{library.path_with_namespace}/scan@7.0.0` - content not found"
    ]
    wrong = user.ci_lint.create({"content": including("~latest", 9)})
    assert "`9` cannot be used because it is not in the list of allowed options" in wrong.errors[0]
    stranger = make_person(double, root)
    user.members.create({"user_id": stranger.id, "access_level": 30})
    seen = stranger.client.projects.get(user.id).ci_lint.get()
    assert "not found or access denied!" in seen.errors[0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("build: {stage: nowhere, script: x}", "build job: chosen stage nowhere does not exist; available stages are"),
        ("build: {stage: build}", "jobs build config should implement the script:, run:, or trigger: keyword"),
        ("build: {script: x, colour: red}", "'colour' property is not expected to be here"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_gitlabs_words(compiled: Project, text: str, complaint: str) -> None:
    found = compiled.ci_lint.create({"content": text})
    assert not found.valid
    assert complaint in found.errors[0]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: {script: x, needs: [b]}\nb: {script: x, needs: [a]}", "The pipeline has circular dependencies: "),
        ("a: {script: x, needs: [b]}\nb: {script: x, rules: [{if: $NO}]}", "'a' job needs 'b' job, but 'b' does not"),
        (".a: {script: x}", "jobs config should contain at least one visible job"),
        ("a: {script: x, rules: [{if: 'a = b'}]}", "jobs:a:rules:rule if invalid expression syntax"),
        ("a: text", "jobs:a config should be a hash"),
        ("include: gone.yml", "Local file `gone.yml` does not exist!"),
        ("include: {local: ../../../../etc/passwd}", "Local file `../../../../etc/passwd` does not exist!"),
        ("include: {project: no/such, file: a.yml}", "Project `no/such` not found or access denied!"),
        ("include: https://example.com/a.yml", "Remote file `https://example.com/a.yml` could not be fetched"),
        ("include: {template: A.gitlab-ci.yml}", "Template file `A.gitlab-ci.yml` is not a valid location!"),
        ("include: loop.yml", "File `loop.yml` includes itself"),
    ],
)  # fmt: skip
def test_more_that_is_wrong(compiled: Project, text: str, complaint: str) -> None:
    assert complaint in compiled.ci_lint.create({"content": text}).errors[0]


def test_a_hostile_configuration_runs_nothing(compiled: Project, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    code = f"process.mainModule.require('child_process').execSync('touch {mark}')"
    text = (
        f'.x: {{code: "{code}"}}\n'
        f'a: {{script: x, rules: [{{if: "{code}"}}]}}\n'
        f"b: {{script: x, rules: [{{if: !reference [.x, code]}}]}}\n"
        f'"c$(touch {mark})": {{script: x, stage: "test", trigger: null}}\n'
    )
    answer = compiled.ci_lint.create({"content": text})
    assert not answer.valid
    assert not mark.exists()
