"""Git in the checkout that a command runs in."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from gitops.errors import CommandError

__all__ = ["git", "tree_at"]

_LIMIT_S: Final = 60


def git(directory: Path, *arguments: str) -> str:
    """Run git and return what it printed.

    Raises:
        CommandError: when it fails, with its reason.
    """
    try:
        done = subprocess.run(
            ("git", *arguments), cwd=directory, capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise CommandError(f"git {arguments[0]} cannot be run: {error}", "Install git, and run it again.") from None
    if done.returncode:
        raise CommandError(
            f"git {arguments[0]} failed: {' '.join(done.stderr.split())}",
            "Name a base that the checkout has; in a shallow clone: git fetch --unshallow.",
        )
    return done.stdout


@contextmanager
def tree_at(directory: Path, commit: str) -> Iterator[Path]:
    """A working tree of a commit beside the checkout, with the checkout's virtual environment; gone afterwards.

    Args:
        directory: the checkout.
        commit: what it has, a commit or branch.

    Raises:
        CommandError: when git refuses.
    """
    with tempfile.TemporaryDirectory(prefix="bighpc-tree-") as scratch:
        tree = Path(scratch) / "tree"
        git(directory, "worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            environment = directory / ".venv"
            if environment.exists():
                (tree / ".venv").symlink_to(environment.resolve())
            yield tree
        finally:
            git(directory, "worktree", "remove", "--force", str(tree))
