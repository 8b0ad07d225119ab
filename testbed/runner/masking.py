"""Makes secrets unreadable in a stream of output, wherever the pieces are cut."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["MASK", "Masker"]

MASK = b"[MASKED]"

_BODY = rb"[\w.=-]"
_LONGEST_TOKEN = 1024
"""Bytes of a token that are waited for at the end of a piece."""


class Masker:
    """Masks values, and whatever follows the beginnings of known kinds of tokens."""

    def __init__(self, values: Iterable[str], prefixes: Iterable[str] = ()) -> None:
        """Remember what to hide; empty values hide nothing."""
        self._values = sorted({value.encode() for value in values if value}, key=len, reverse=True)
        self._prefixes = sorted({prefix.encode() for prefix in prefixes if prefix}, key=len, reverse=True)
        beginnings = b"|".join(map(re.escape, self._prefixes))
        self._token = re.compile(rb"(" + beginnings + rb")(" + _BODY + rb"+)") if beginnings else None
        self._open_token = re.compile(rb"(?:" + beginnings + rb")" + _BODY + rb"*\Z") if beginnings else None
        self._held = b""

    def feed(self, data: bytes) -> bytes:
        """Take a piece; returns what can be shown, which may leave its end for the next one."""
        text = self._hide_values(self._held + data)
        cut = self._safe(text)
        self._held = text[cut:]
        return self._hide_tokens(text[:cut])

    def close(self) -> bytes:
        """The rest."""
        rest, self._held = self._held, b""
        return self._hide_tokens(self._hide_values(rest))

    def _hide_values(self, text: bytes) -> bytes:
        for value in self._values:
            text = text.replace(value, MASK)
        return text

    def _hide_tokens(self, text: bytes) -> bytes:
        return self._token.sub(lambda match: match[1] + MASK, text) if self._token else text

    def _safe(self, text: bytes) -> int:
        """Where the part begins that may be the beginning of a secret."""
        cut = len(text)
        for secret in (*self._values, *self._prefixes):
            for size in range(min(len(secret) - 1, len(text)), 0, -1):
                if text.endswith(secret[:size]):
                    cut = min(cut, len(text) - size)
                    break
        if self._open_token:
            found = self._open_token.search(text, max(0, len(text) - _LONGEST_TOKEN))
            cut = min(cut, found.start()) if found else cut
        return cut
