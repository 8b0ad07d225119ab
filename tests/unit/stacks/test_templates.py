from __future__ import annotations

from pathlib import Path

import pytest

from stacks.problems import ConfigurationError
from stacks.templates import read_template, template_folders


def test_every_file_below_a_folder_is_published_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "default/templates").mkdir(parents=True)
    (tmp_path / "default/README.md").write_text("# Default\n")
    (tmp_path / "default/templates/default.yml").write_text("spec: {}\n")
    (tmp_path / "platform.gitlab-ci.yml").write_text("stages: []\n")
    assert template_folders(tmp_path) == ["default"]
    assert read_template("default", tmp_path) == {
        "README.md": "# Default\n",
        "templates/default.yml": "spec: {}\n",
    }


def test_a_file_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "default").mkdir()
    (tmp_path / "default/logo.png").write_bytes(b"\x89PNG\xff")
    with pytest.raises(ConfigurationError, match=r"pipelines/default/logo\.png"):
        read_template("default", tmp_path)
