"""Whose word the gate takes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from gitops.errors import CommandError
from gitops.release.gate import Gate
from gitops.release.pipeline import Pipeline

COMMIT = "1" * 40


def project(*jobs: tuple[str, str]) -> Any:
    listed = [SimpleNamespace(name=name, status=status) for name, status in jobs]
    manager = SimpleNamespace(list=lambda iterator: iter(listed))
    return SimpleNamespace(pipelines=SimpleNamespace(get=lambda number, lazy: SimpleNamespace(jobs=manager)))


def check(jobs: Any, directory: Path, commit: str = COMMIT) -> None:
    gate = Gate(
        pipeline=Pipeline(id=7, commit=COMMIT, environment="dev"), directory=directory, out=directory, limit_s=1
    )
    gate.check(jobs, "dev", commit, Console(quiet=True))


def test_the_job_of_this_pipeline_is_the_gate(tmp_path: Path) -> None:
    check(project(("lint", "failed"), ("gate", "success")), tmp_path)


@pytest.mark.parametrize("status", ["failed", "skipped", "manual", "running", "canceled"])
def test_a_gate_that_did_not_pass_is_none(tmp_path: Path, status: str) -> None:
    with pytest.raises(CommandError, match=f"the job gate of this pipeline is {status}"):
        check(project(("gate", status)), tmp_path)


def test_the_gate_of_another_commit_is_none(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no job gate has looked at 22222222"):
        check(project(("gate", "success")), tmp_path, commit="2" * 40)


def test_a_pipeline_without_a_gate_is_none(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no job gate has looked at"):
        check(project(("lint", "success")), tmp_path)


@pytest.mark.parametrize(
    "variables",
    [{}, {"CI_COMMIT_SHA": COMMIT}, {"CI_PIPELINE_ID": "7"}, {"CI_PIPELINE_ID": "", "CI_COMMIT_SHA": COMMIT}],
)
def test_outside_of_a_job_there_is_no_pipeline(variables: dict[str, str]) -> None:
    assert Pipeline.of(variables) is None


def test_a_job_knows_its_pipeline() -> None:
    variables = {"CI_PIPELINE_ID": "7", "CI_COMMIT_SHA": COMMIT, "CI_ENVIRONMENT_NAME": "dev"}
    assert Pipeline.of(variables) == Pipeline(id=7, commit=COMMIT, environment="dev")
