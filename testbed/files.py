"""Files that only their owner may read, replaced whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

__all__ = ["is_own_directory", "private_directory", "write_private"]


def is_own_directory(path: Path) -> bool:
    """Whether it is a directory, not a link to one, and ours: where everybody may write somebody else may have made it.

    Raises:
        FileNotFoundError: when nothing is there.
    """
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()


def private_directory(path: Path) -> Path:
    """Make a directory, with its parents, that only its owner can enter."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


def write_private(path: Path, content: str | bytes) -> Path:
    """Write a file of mode 0600; a reader sees the old content or the new one, never half of it.

    An unchanged file is left alone, so that its time tells when it last changed.
    """
    data = content.encode() if isinstance(content, str) else content
    if path.is_file() and path.read_bytes() == data:
        path.chmod(0o600)
        return path
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
