"""Colours of labels: six hexadecimal digits, or a name that stands for them."""

from __future__ import annotations

import re

from testbed.gitlab.core.errors import invalid

__all__ = ["normalise", "text_color"]

_HEX = re.compile(r"#(?:[0-9A-Fa-f]{3}){1,2}")

_NAMED = {
    "aqua": "#00FFFF",
    "black": "#000000",
    "blue": "#0000FF",
    "brown": "#A52A2A",
    "crimson": "#DC143C",
    "cyan": "#00FFFF",
    "fuchsia": "#FF00FF",
    "gold": "#FFD700",
    "gray": "#808080",
    "green": "#008000",
    "indigo": "#4B0082",
    "lime": "#00FF00",
    "magenta": "#FF00FF",
    "maroon": "#800000",
    "navy": "#000080",
    "olive": "#808000",
    "orange": "#FFA500",
    "pink": "#FFC0CB",
    "purple": "#800080",
    "red": "#FF0000",
    "silver": "#C0C0C0",
    "teal": "#008080",
    "white": "#FFFFFF",
    "yellow": "#FFFF00",
}


def normalise(color: str) -> str:
    """A colour as it is stored.

    Raises:
        ApiError: 400 for what is neither hexadecimal nor a known name.
    """
    found = _NAMED.get(color.strip().lower(), color.strip())
    if not _HEX.fullmatch(found):
        raise invalid(color="must be a valid color code")
    if len(found) == 4:
        found = "#" + "".join(digit * 2 for digit in found[1:])
    return found


def text_color(color: str) -> str:
    """Dark or light, whichever can be read on the colour."""
    parts = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
    return "#1F1E24" if sum(parts) > 500 else "#FFFFFF"
