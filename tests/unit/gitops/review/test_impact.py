"""Which stacks a change can touch, in this very checkout."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gitops.pulumi.stacks import stacks_of
from gitops.review.impact import impact

CHECKOUT = Path(__file__).parents[4]


def affected(*changed: str) -> list[str]:
    """The stacks that would be previewed."""
    return [each.stack for each in impact(CHECKOUT, changed) if each.affected]


def test_the_stacks_are_those_with_a_file_and_one_owns_the_forge() -> None:
    assert stacks_of(CHECKOUT) == {"dev": False, "preview": False, "prod": True}


@pytest.mark.parametrize(
    "path",
    [
        "components/argocd/installation.py",
        "stacks/platform.py",
        "components/__init__.py",
        "Pulumi.yaml",
        "requirements.txt",
    ],
)
def test_the_program_and_what_it_runs_with_touch_every_stack(path: str) -> None:
    assert affected(path) == ["dev", "preview", "prod"]


def test_a_module_that_the_program_reaches_only_through_others_counts() -> None:
    assert affected("components/vocabulary.py") == ["dev", "preview", "prod"]


def test_policies_touch_every_stack() -> None:
    assert affected("policies/rules/appproject_exact.py") == ["dev", "preview", "prod"]


def test_settings_touch_their_stack() -> None:
    assert affected("Pulumi.dev.yaml") == ["dev"]


def test_data_of_the_forge_touch_its_owner() -> None:
    assert affected("stacks/projects/platform.yaml") == ["prod"]
    assert affected("stacks/group.yaml") == ["prod"]


@pytest.mark.parametrize("path", ["README.md", "docs/sites.md", "testbed/cli.py", "tests/conftest.py", "gitops/cli.py"])
def test_what_the_program_does_not_use_touches_nothing(path: str) -> None:
    assert affected(path) == []


def test_a_removed_module_of_the_program_touches_every_stack() -> None:
    assert affected("components/removed.py") == ["dev", "preview", "prod"]
    assert affected("gitops/removed.py") == []


def test_every_verdict_has_a_reason() -> None:
    found = {each.stack: each.because for each in impact(CHECKOUT, ["Pulumi.dev.yaml"])}
    assert found["dev"] == "its settings changed (`Pulumi.dev.yaml`)"
    assert found["prod"] == "neither its settings nor the program nor its data changed"


def test_a_syntax_error_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("stacks", "components"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("")
        for module in [name for name in sys.modules if name.partition(".")[0] == package]:
            monkeypatch.delitem(sys.modules, module)
    (tmp_path / "stacks" / "broken.py").write_text("def broken(:\n")
    (tmp_path / "__main__.py").write_text("import stacks.broken\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config: {}\n")
    monkeypatch.syspath_prepend(tmp_path)
    [verdict] = impact(tmp_path, ["stacks/broken.py"])
    assert (verdict.affected, verdict.because) == (True, "the program changed (`stacks/broken.py`)")
    assert not impact(tmp_path, ["gitops/other.py"])[0].affected


def test_a_stack_file_that_is_no_yaml_can_own_the_forge(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.dev.yaml").write_text("config: [")
    assert stacks_of(tmp_path) == {"dev": True}
