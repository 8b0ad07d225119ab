"""Whether the stacks would be brought up just as they were the last time.

An update that changes nothing takes as long as the program takes to start, three times. It is left out when everything
that it would be told is the same, byte for byte, and nobody has updated the stacks in between.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from testbed.commands import run
from testbed.context import Context
from testbed.errors import UserError
from testbed.files import write_private
from testbed.stacks import CHECKOUT

__all__ = ["fingerprint", "is_same", "remember"]


def fingerprint(context: Context, environment: Mapping[str, str], checkout: Path = CHECKOUT) -> str | None:
    """Return what tells this deployment from others: the checkout, the tools, the environment and the stacks' states.

    Args:
        context: the testbed.
        environment: what ``bighpc testbed env`` exports.
        checkout: the program.

    Returns:
        A digest; None where the checkout is no git repository, so that its files cannot be told from others.
    """
    digest = hashlib.sha256()
    try:
        for part in _parts(context, environment, checkout):
            digest.update(hashlib.sha256(part).digest())
    except UserError:
        return None
    return digest.hexdigest()


def is_same(context: Context, found: str | None) -> bool:
    """Whether the last deployment that went well ended with this fingerprint."""
    file = _file(context)
    return found is not None and file.is_file() and file.read_text() == found


def remember(context: Context, found: str | None) -> None:
    """Keep the fingerprint of a deployment that went well."""
    write_private(_file(context), found or "")


def _file(context: Context) -> Path:
    return context.layout.data / "deployed"


def _parts(context: Context, environment: Mapping[str, str], checkout: Path) -> Iterator[bytes]:
    yield run("git", "-C", checkout, "rev-parse", "HEAD").encode()
    listed = run("git", "-C", checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in sorted(set(listed.split("\0")) - {""}):
        file = checkout / name
        yield name.encode()
        # A link to a directory, or a file that is deleted and not committed, has no content.
        yield file.read_bytes() if file.is_file() else b""
    yield repr(sorted(environment.items())).encode()
    yield str(context.tools.bin.resolve()).encode()
    states = context.layout.data / "pulumi" / ".pulumi" / "stacks"
    for file in sorted(states.rglob("*.json")):
        yield str(file.relative_to(states)).encode()
        yield file.read_bytes()
