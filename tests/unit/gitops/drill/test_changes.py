"""What drills commit, on the platform's own files."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from gitops.drill.changes import another_value, failing_program, refused_object
from gitops.errors import CommandError

ROOT = Path(__file__).parents[4]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("__main__.py", "Pulumi.dev.yaml", "Pulumi.preview.yaml", "Pulumi.prod.yaml"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("environment", ["dev", "preview", "prod"])
def test_one_number_is_another_and_the_rest_of_the_file_stays(tree: Path, environment: str) -> None:
    file = tree / f"Pulumi.{environment}.yaml"
    before = file.read_text()
    another_value(tree, environment)
    changed = [
        (old, new) for old, new in zip(before.splitlines(), file.read_text().splitlines(), strict=True) if old != new
    ]
    [(old, new)] = changed
    assert int(new.rpartition(" ")[2]) == int(old.rpartition(" ")[2]) + 1
    assert yaml.safe_load(file.read_text())["config"]["bighpc:testbed"]["quota"]


@pytest.mark.parametrize("text", ["config: {}\n", "config: {bighpc:testbed: {quota: {memory: 8Gi}}}\n", "[]\n"])
def test_settings_without_a_number_are_refused(tree: Path, text: str) -> None:
    (tree / "Pulumi.dev.yaml").write_text(text)
    with pytest.raises(CommandError, match="no number below config\\.bighpc:testbed\\.quota"):
        another_value(tree, "dev")


@pytest.mark.parametrize("change", [failing_program, refused_object])
def test_programs_stay_programs(tree: Path, change: object) -> None:
    assert callable(change)
    change(tree, "dev")
    text = (tree / "__main__.py").read_text()
    compile(text, "__main__.py", "exec")
    assert text.startswith((ROOT / "__main__.py").read_text())
    assert "this is a drill" in text
