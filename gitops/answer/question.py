"""What a note asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

__all__ = ["Explain", "Misunderstood", "Preview", "Question", "parse"]

_COMMAND: Final = re.compile(r"/(preview|explain)(?:[ \t]+(.*))?")
_REFRESH: Final = "--refresh"
_STACK: Final = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PREVIEW: Final = "`/preview [stack] [--refresh]`, for example `/preview dev --refresh`"
_EXPLAIN: Final = "`/explain <resource>` with a resource's name or address, for example `/explain testbed-quota`"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """``/preview [stack] [--refresh]``."""

    stack: str | None
    """None: what the merge request can touch."""
    refresh: bool
    """Compare with reality instead of with the recorded state."""


@dataclass(frozen=True, kw_only=True)
class Explain:
    """``/explain <resource>``."""

    resource: str
    """Name or address."""


@dataclass(frozen=True, kw_only=True)
class Misunderstood:
    """A command that is written wrongly."""

    reason: str
    remedy: str
    """As Markdown."""


Question = Preview | Explain | Misunderstood


def parse(body: str) -> Question | None:
    """Return what a note asks for; None when its first line is no command.

    What is quoted, is in a block of code or stands further down asks for nothing, so that people can write about it.

    Args:
        body: the note.
    """
    first = body.strip().partition("\n")[0].strip()
    found = _COMMAND.fullmatch(first)
    if found is None:
        return None
    words = (found[2] or "").split()
    return _preview(words) if found[1] == "preview" else _explain(words)


def _preview(words: list[str]) -> Question:
    options = [word for word in words if word.startswith("-")]
    stacks = [word for word in words if not word.startswith("-")]
    unknown = [option for option in options if option != _REFRESH]
    if unknown:
        return Misunderstood(reason=f"there is no option {_code(unknown[0])}", remedy=f"Write {_PREVIEW}.")
    if len(stacks) > 1:
        return Misunderstood(reason=f"one stack at a time, not {len(stacks)}", remedy=f"Write {_PREVIEW}.")
    if stacks and not _STACK.fullmatch(stacks[0]):
        return Misunderstood(reason=f"{_code(stacks[0])} is no name of a stack", remedy=f"Write {_PREVIEW}.")
    return Preview(stack=stacks[0] if stacks else None, refresh=bool(options))


def _explain(words: list[str]) -> Question:
    if len(words) != 1:
        # Addresses have no spaces but in the name, which comes last.
        name = " ".join(words)
        if not name.startswith("urn:pulumi:"):
            said = "no resource is named" if not words else f"{_code(name)} is more than one word"
            return Misunderstood(reason=said, remedy=f"Write {_EXPLAIN}.")
        return Explain(resource=name)
    return Explain(resource=words[0].strip("`"))


def _code(text: str) -> str:
    """As code, nobody whom a text names is told of it."""
    return f"`{text[:100].replace('`', '')}`"
