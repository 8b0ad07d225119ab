"""The pictures of the documentation: of pages that a test has before it, refused once they tell another story.

What is compared is what the page says, beside each picture as text, without what differs from run to run: a comparison
of pixels would depend on the fonts of the machine.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from typing import Final

import pytest

from tests.browser.browser import Browser

__all__ = ["DIRECTORY", "picture"]

DIRECTORY: Final = Path(__file__).parents[2] / "docs" / "images"

_TAKE: Final = "BIGHPC_TAKE_PICTURES"
"""The variable of the environment that has pictures taken instead of compared; `make pictures` sets it."""

_VARIES: Final = (
    (re.compile(r"_bot_[0-9a-f]+"), "_bot_…"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,64}\b"), "…"),
    (re.compile(r"\d+"), "…"),
    (re.compile(r"…(?:[-.:, ]…)+"), "…"),
    (re.compile(r"just now|a moment ago|(?:…|an?) (?:second|minute|hour|day)s? ago"), "… ago"),
)
"""Commits and random names; times, durations and counts, so that a platform that grows keeps its pictures."""


def picture(browser: Browser, name: str) -> None:
    """Take a picture of the whole page, or fail when the one in the documentation shows something else.

    Args:
        browser: has the page open.
        name: of the picture, without its ending.
    """
    browser.look(1280, "light")
    image, words = DIRECTORY / f"{name}.png", DIRECTORY / f"{name}.txt"
    said = _lasting(browser.text)
    if os.environ.get(_TAKE):
        DIRECTORY.mkdir(exist_ok=True)
        image.write_bytes(base64.b64decode(browser.whole_page()))
        words.write_text(said)
    elif not (image.exists() and words.exists() and words.read_text() == said):
        pytest.fail(
            f"docs/images/{name}.png no longer shows what the page says: run `make pictures` and look at it:\n{said}"
        )


def _lasting(text: str) -> str:
    for pattern, instead in _VARIES:
        text = pattern.sub(instead, text)
    return text.strip() + "\n"
