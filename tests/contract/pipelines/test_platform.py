"""The platform's own pipeline: what its jobs do without credentials, which code gets which, and portable shell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.contract.pipelines import template
from tests.contract.pipelines.conftest import Shell

BIN = Path(sys.prefix) / "bin"
PIPELINE: dict[str, Any] = yaml.safe_load((template.ROOT / "pipelines/platform.gitlab-ci.yml").read_text())
PROJECT: dict[str, Any] = yaml.safe_load((template.ROOT / "stacks/projects/platform.yaml").read_text())
PREPARE: list[str] = PIPELINE[".engine"]["before_script"]
PAGE = "https://gitlab.example/bighpc/platform"
FORK = {
    "CI_PROJECT_ID": "7",
    "CI_MERGE_REQUEST_PROJECT_ID": "3",
    "CI_MERGE_REQUEST_PROJECT_URL": PAGE,
    "CI_MERGE_REQUEST_IID": "12",
}


def jobs() -> dict[str, dict[str, Any]]:
    """The jobs by name, without what they extend."""
    return {name: body for name, body in PIPELINE.items() if isinstance(body, dict) and "script" in body}


def engine_jobs() -> list[str]:
    """The jobs that run the engine."""
    return [name for name, body in jobs().items() if ".engine" in body["extends"]]


def test_a_fork_s_review_says_who_can_release_it_and_is_a_warning(shell: Shell) -> None:
    done = shell(PREPARE[0], **FORK)
    assert done.returncode == 77
    assert "runs in a fork, which gets none of the platform's variables" in done.stdout
    assert f"{PAGE}/-/merge_requests/12/pipelines" in done.stdout
    assert PIPELINE["review"]["allow_failure"] == {"exit_codes": [77]}


@pytest.mark.parametrize(
    "known",
    [{}, {"PREVIEW_TOKEN": "glpat-canary"}, {"PULUMI_BACKEND_URL": "s3://state"}],
    ids=lambda each: str([*each]),
)
def test_what_is_missing_in_the_project_itself_is_said(shell: Shell, known: dict[str, str]) -> None:
    done = shell(PREPARE[0], CI_PROJECT_ID="3", CI_MERGE_REQUEST_PROJECT_ID="3", **known)
    assert (done.returncode, "Set them as variables of this project" in done.stdout) == (77, True)
    assert "canary" not in done.stdout


@pytest.mark.parametrize("state", ["PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN"])
def test_with_credentials_the_job_goes_on_with_the_token_that_reads(shell: Shell, state: str) -> None:
    script = "\n".join([*PREPARE[:2], 'test "$GITLAB_TOKEN" = glpat-reads'])
    done = shell(script, CI_PROJECT_ID="3", PREVIEW_TOKEN="glpat-reads", GITLAB_TOKEN="glpat-more", **{state: "x"})
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(("environment", "context"), [("dev", "bighpc/ci-cd/agents:dev"), ("", None)])
def test_an_environment_s_job_uses_the_agent_of_that_environment(
    shell: Shell, environment: str, context: str | None
) -> None:
    file = shell.directory / "kubeconfig"
    names = ("bighpc/ci-cd/agents:dev", "bighpc/ci-cd/agents:prod")
    file.write_text(yaml.safe_dump({"contexts": [{"name": name} for name in names]}))
    variables = {"CI_ENVIRONMENT_NAME": environment} if environment else {}
    done = shell("\n".join(PREPARE[2:5]), CI_PROJECT_ROOT_NAMESPACE="bighpc", KUBECONFIG=str(file), **variables)
    assert done.returncode == 0, done.stdout
    assert yaml.safe_load(file.read_text()).get("current-context") == context


@pytest.mark.parametrize(("variables", "used"), [({}, "view"), ({"RELEASES": "yes"}, "agents")])
def test_only_a_release_uses_the_agents_where_there_is_an_account_that_reads(
    shell: Shell, variables: dict[str, str], used: str
) -> None:
    script = f'{PREPARE[2]}\necho "$KUBECONFIG"'
    done = shell(script, KUBECONFIG="agents", VIEW_KUBECONFIG="view", **variables)
    assert (done.returncode, done.stdout.strip()) == (0, used)
    assert [name for name, job in jobs().items() if "RELEASES" in job.get("variables", {})] == ["release"]


def test_an_environment_that_is_there_is_taken_instead_of_made(shell: Shell) -> None:
    ready = shell.directory / "ready"
    ready.mkdir()
    done = shell(PREPARE[5], BIGHPC_VENV=str(ready))
    assert (done.returncode, (shell.directory / ".venv").resolve()) == (0, ready)


def test_only_what_a_merge_request_starts_may_go_without_credentials() -> None:
    allowed = {name: PIPELINE[name].get("allow_failure") for name in engine_jobs()}
    assert {name for name, each in allowed.items() if each and 77 in each["exit_codes"]} == {"review", "answer"}
    assert allowed["drift"] == {"exit_codes": [7]}


def test_nothing_interrupts_a_release_and_two_of_one_environment_wait_for_each_other() -> None:
    release = PIPELINE["release"]
    assert release["interruptible"] is False
    assert release["resource_group"] == release["environment"]["name"] == "$CI_COMMIT_REF_NAME"
    assert PIPELINE["drift"]["resource_group"] == "$STACK"


def test_only_a_release_is_a_deployment() -> None:
    environments = {name: body["environment"] for name, body in jobs().items() if "environment" in body}
    assert [name for name, each in environments.items() if each.get("action", "start") == "start"] == ["release"]


def test_what_the_engine_says_is_kept_from_guests() -> None:
    for name in engine_jobs():
        artifacts = PIPELINE[name].get("artifacts")
        assert artifacts is None or artifacts["access"] == "developer", name


def test_a_preview_s_token_reads_and_the_other_is_for_this_project_alone() -> None:
    group = yaml.safe_load((template.ROOT / "stacks/group.yaml").read_text())
    assert PROJECT["variables"]["PREVIEW_TOKEN"]["token"] == "preview"
    assert group["accessTokens"]["preview"]["scopes"] == ["read_api"]
    assert PROJECT["variables"]["REVIEW_TOKEN"]["token"] == "platform/review"
    assert PROJECT["accessTokens"]["review"]["role"] == "developer"


def test_every_schedule_of_the_project_starts_jobs() -> None:
    conditions = [rule["if"] for body in PIPELINE.values() if isinstance(body, dict) for rule in body.get("rules", [])]
    for title, schedule in PROJECT["schedules"].items():
        assert any(f'$SCHEDULE == "{schedule["variables"]["SCHEDULE"]}"' in each for each in conditions), title


@pytest.mark.parametrize("name", [name for name, body in PIPELINE.items() if isinstance(body, dict) and name[0] != "w"])
def test_its_scripts_are_portable_shell(name: str, tmp_path: Path) -> None:
    body = PIPELINE[name]
    lines = [*body.get("before_script", []), *body.get("script", [])]
    (tmp_path / "script").write_text("\n".join(lines) + "\n")
    command: list[str | Path] = [BIN / "shellcheck", "--shell=sh", "--severity=style", tmp_path / "script"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout
