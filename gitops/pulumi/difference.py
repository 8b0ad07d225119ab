"""One property that differs, in the lines that people read."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final

from gitops.pulumi.plan import PropertyChange

__all__ = ["property_lines", "value_text"]

_SHOWN_CHARACTERS: Final = 300
"""Of one value; longer ones are cut."""


def property_lines(change: PropertyChange) -> Iterable[str]:
    """Yield the lines of a diff: what was (``-``) and what is (``+``)."""
    why = "  # replaces it" if change.replaces else ""
    if change.kind != "add":
        yield f"-   {change.path}: {value_text(change.old)}{why}"
    if change.kind != "delete":
        yield f"+   {change.path}: {value_text(change.new)}{why}"


def value_text(value: Any) -> str:
    """Return a value on one line, cut when it is long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str, sort_keys=True)
    text = text.replace("\n", "\\n")
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}… ({len(text)} characters)"
