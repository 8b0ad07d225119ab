"""Small drawings, put into the page itself so that their colour follows the text."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from markupsafe import Markup

__all__ = ["icon"]

_FOLDER = Path(__file__).parent / "icons"


@cache
def icon(name: str) -> Markup:
    """A drawing; the words beside it say the same, so it is hidden from those who listen."""
    return Markup((_FOLDER / f"{name}.svg").read_text().strip())  # noqa: S704 - files of ours
