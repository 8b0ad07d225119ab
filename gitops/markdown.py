"""What notes, issues and merge requests are written with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

__all__ = ["LIMIT", "cell", "cut", "fenced"]

LIMIT: Final = 1_000_000
"""Characters that GitLab takes in a note or a description [GitLab documentation: administration/instance_limits]."""


def cell(text: str) -> str:
    """Return a text that stays inside its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def fenced(text: str, language: str = "") -> Iterable[str]:
    """Yield the lines of a code block whose fence does not occur in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    yield f"{fence}{language}"
    yield from text.splitlines()
    yield fence


def cut(lines: Sequence[str], limit: int, where: str) -> str:
    """Return the text, cut at the end of a line when it is too long, with everything closed that was open.

    Args:
        lines: the text; the last line is kept.
        limit: greatest number of characters.
        where: where the rest can be read.
    """
    text = "\n".join(lines) + "\n"
    if len(text) <= limit:
        return text
    room = limit - 400 - len(where)
    kept: list[str] = []
    size = 0
    for line in lines:
        size += len(line) + 1
        if size > room:
            break
        kept.append(line)
    fence = _open_fence(kept)
    kept += [fence] if fence else []
    opened = sum(line.startswith("<details>") for line in kept) - sum(line == "</details>" for line in kept)
    kept += ["", "</details>"] * opened
    left = len(lines) - len(kept)
    return "\n".join([*kept, "", f"Cut here: about {left} more lines are in {where}.", "", lines[-1]]) + "\n"


def _open_fence(lines: Sequence[str]) -> str | None:
    fence: str | None = None
    for line in lines:
        if fence is None and line.startswith("```"):
            fence = line[: len(line) - len(line.lstrip("`"))]
        elif line == fence:
            fence = None
    return fence
