"""Logs of jobs: written piece by piece, with secrets made unreadable.

The runner masks already. It is done here again, so that no runner and no mistake in one puts a secret into a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

__all__ = ["MOST_TRACE_BYTES", "TOKEN_PREFIXES", "append"]

MOST_TRACE_BYTES = 100 * 1024 * 1024

TOKEN_PREFIXES = ("glpat-", "glcbt-", "glrt-", "gldt-", "glptt-", "glagent-")
"""Beginnings of GitLab's tokens: whatever follows them is unreadable, whosever token it is."""

_TOKEN = re.compile(rb"(?<![\w-])(" + "|".join(TOKEN_PREFIXES).encode() + rb")([\w.-]{16,})")
_SHORTEST = 4
"""Bytes of a value from which on it is masked: shorter ones would make the log unreadable and hide nothing."""

_BORDER = 512
"""Bytes before a new piece that are looked at again, at least: a secret may lie across the border."""


def append(file: Path, offset: int, data: bytes, secrets: Iterable[str]) -> int:
    """Append a piece to a log.

    Masked text keeps its length, as the runner counts bytes.

    Args:
        file: the log; made when it is missing.
        offset: where the piece begins. Nothing is written unless that is the log's end.
        data: the piece.
        secrets: values that must not be readable.

    Returns:
        The size of the log afterwards, in bytes.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.touch(mode=0o600)
    size = file.stat().st_size
    if offset != size or not data:
        return size
    hidden = sorted({value for secret in secrets if len(value := secret.encode()) >= _SHORTEST}, key=len, reverse=True)
    start = max(0, size - max([_BORDER, *(len(value) for value in hidden)]))
    with file.open("r+b") as stream:
        stream.seek(start)
        text = stream.read() + data
        stream.seek(start)
        stream.write(_masked(text, hidden))
    return size + len(data)


def _masked(text: bytes, hidden: list[bytes]) -> bytes:
    for value in hidden:
        text = text.replace(value, b"x" * len(value))
    return _TOKEN.sub(lambda match: match[1] + b"x" * len(match[2]), text)
