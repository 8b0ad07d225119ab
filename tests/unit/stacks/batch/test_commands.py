from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from gitops.errors import CommandError
from stacks.batch.commands import app
from tests.unit.components.workloads.samples import CONTENT


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "flow.yaml"
    path.write_text(yaml.safe_dump(CONTENT))
    return path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=True)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_a_workload_is_shown_as_what_would_be_handed_in(file: Path) -> None:
    rendered = yaml.safe_load(run("render", str(file), "--stack", "dev"))
    assert (rendered["kind"], rendered["metadata"]["namespace"]) == ("Job", "bighpc-dev")
    assert run("render", str(file), "--as", "slurm").startswith("#!/bin/bash\n#SBATCH --job-name=flow\n")


def test_everything_wrong_is_told_with_value_rule_and_remedy(file: Path) -> None:
    file.write_text(yaml.safe_dump(CONTENT | {"queue": "night", "profile": "tpu"}))
    with pytest.raises(CommandError) as refused:
        run("render", str(file))
    said = refused.value.reason
    assert "2 problems found" in said
    assert "queue night is not in dev" in said
    assert "A hardware profile is one of: cpu, gpu." in said
    assert said.count("remedy:") == 2


def test_a_time_that_yaml_reads_as_a_number_is_explained(file: Path) -> None:
    file.write_text(file.read_text().replace("'01:30:00'", "01:30:00").replace("01:30:00", "1:30:00"))
    with pytest.raises(CommandError, match="put quotes around it"):
        run("render", str(file))


def test_an_unknown_stack_is_refused_with_the_known_ones(file: Path) -> None:
    with pytest.raises(CommandError) as refused:
        run("render", str(file), "--stack", "test")
    assert "dev, preview, prod" in refused.value.remedy


def test_a_machine_without_slurm_says_so(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CommandError) as refused:
        run("submit", str(file), "--as", "slurm")
    assert "login node" in refused.value.remedy
