from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stacks.check import ROOT, main


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout's data."""
    shutil.copytree(ROOT / "stacks", tmp_path / "stacks", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for path in ROOT.glob("Pulumi.*.yaml"):
        shutil.copy(path, tmp_path)
    return tmp_path


def test_the_files_in_git_are_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0
    assert "no problems" in capsys.readouterr().out


def test_the_mistakes_of_all_files_are_reported_at_once(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "Pulumi.dev.yaml").write_text("config:\n  bighpc:testbed: {quota: {cpu: many}}\n")
    (checkout / "Pulumi.preview.yaml").write_text("config:\n  bighpc:forge: {owner: true}\n")
    (checkout / "stacks/applications/portal.yaml").write_text("name: Portal\n")
    assert main([str(checkout)]) == 1
    shown = capsys.readouterr().err
    assert "2 problems found" in shown
    assert "Pulumi.dev.yaml, testbed.quota.cpu" in shown
    assert "stacks/applications/portal.yaml, name" in shown


@pytest.mark.parametrize("owners", [["preview", "prod"], []])
def test_the_forge_has_exactly_one_owner(checkout: Path, capsys: pytest.CaptureFixture[str], owners: list[str]) -> None:
    for stack in ("dev", "preview", "prod"):
        owner = str(stack in owners).lower()
        (checkout / f"Pulumi.{stack}.yaml").write_text(f"config:\n  bighpc:forge: {{owner: {owner}}}\n")
    assert main([str(checkout)]) == 1
    assert "exactly one stack owns the forge" in capsys.readouterr().err


def test_an_encrypted_value_is_taken_for_a_text(checkout: Path) -> None:
    webhook = "{url: 'https://argocd.example/api/webhook', secret: {secure: v1:abc}}"
    (checkout / "Pulumi.dev.yaml").write_text(f"config:\n  bighpc:argocd: {{webhook: {webhook}}}\n")
    assert main([str(checkout)]) == 0


def test_a_missing_stack_file_is_a_problem(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "Pulumi.dev.yaml").unlink()
    assert main([str(checkout)]) == 1
    assert "Pulumi.dev.yaml: " in capsys.readouterr().err
