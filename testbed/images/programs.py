"""Tools of the testbed that go into images: where they are, and what a bill of materials calls them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from packageurl import PackageURL

from testbed import toolchain
from testbed.errors import UserError
from testbed.toolchain.catalog import TOOLS

__all__ = ["program_digests", "program_files", "program_urls"]


def program_files(names: Iterable[str]) -> dict[str, Path]:
    """The executables, by name.

    Raises:
        UserError: when the tools are not there.
    """
    return {name: _tools().path(name) for name in names}


def program_urls(names: Iterable[str]) -> list[PackageURL]:
    """What they are, as package URLs of their Go packages.

    Raises:
        UserError: when the tools are not there.
    """
    packages = {tool.name: tool.package for tool in TOOLS}
    found = []
    for name in names:
        namespace, _, last = packages[name].rpartition("/")
        found.append(PackageURL("golang", namespace, last, _tools().version(name)))
    return found


def program_digests(names: Iterable[str]) -> list[str]:
    """The SHA-256 of each, hexadecimal.

    Raises:
        UserError: when the tools are not there.
    """
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in program_files(names).values()]


def _tools() -> toolchain.Toolchain:
    found = toolchain.installed()
    if found is None:
        raise UserError("the image has tools of the testbed in it, which are not built; run `bighpc testbed prepare`")
    return found
