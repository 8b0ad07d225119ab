"""The pipeline templates of this repository: what is published into which project, read from ``pipelines/``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stacks.problems import ConfigurationError

__all__ = ["TEMPLATES", "read_template", "template_folders"]

TEMPLATES: Final = Path(__file__).parents[1] / "pipelines"
"""Where the templates are; each has a folder of its own."""


def template_folders(root: Path = TEMPLATES) -> list[str]:
    """Return the names of the folders with something to publish."""
    return sorted(path.name for path in root.glob("*/") if path.is_dir())


def read_template(folder: str, root: Path = TEMPLATES) -> Mapping[str, str]:
    """Return the contents of a template's files by their path below its folder.

    Raises:
        ConfigurationError: when a file is no text.
    """
    found = {}
    for path in sorted((root / folder).rglob("*")):
        if path.is_file():
            name = path.relative_to(root / folder).as_posix()
            try:
                found[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError as error:
                raise ConfigurationError.of(
                    f"pipelines/{folder}/{name}",
                    str(error),
                    "a template consists of text files in UTF-8",
                    "remove the file, or correct its encoding",
                ) from error
    return found
