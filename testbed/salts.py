"""Keeps the salts of testbeds' passphrases out of the checkout's stack files.

Plain ``pulumi preview`` reads the salt from the state and then writes it into ``Pulumi.<stack>.yaml``, where another
testbed's passphrase does not fit it and nobody must commit it.
"""

from __future__ import annotations

from testbed.commands import run
from testbed.errors import UserError
from testbed.stacks import CHECKOUT, ORDER, stack_file, without_salt

__all__ = ["keep_out"]

_FILTER = "bighpc-testbed-salt"
"""Named in ``.gitattributes``; without this setting git lets the files through as they are."""


def keep_out() -> None:
    """Remove salts that were never committed, and let git overlook those that the engine writes from now on.

    A committed salt stays: it belongs to a site that chose a passphrase for its stacks.
    """
    for name in ORDER:
        file = stack_file(name)
        content = file.read_text()
        clean = without_salt(content)
        if clean != content and without_salt(_committed(file.name)) == _committed(file.name):
            file.write_text(clean)
    _git("config", "--local", f"filter.{_FILTER}.clean", "sed /^encryptionsalt:/d")


def _committed(path: str) -> str:
    return _git("show", f"HEAD:{path}")


def _git(*arguments: str) -> str:
    """Git's answer; empty where the checkout is no git work tree."""
    try:
        return run("git", "-C", CHECKOUT, *arguments)
    except UserError:
        return ""
