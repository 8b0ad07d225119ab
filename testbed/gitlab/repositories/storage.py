"""Where repositories are kept."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pygit2
from pygit2.enums import RepositoryInitFlag

__all__ = ["Storage", "is_empty"]


class Storage:
    """The bare repositories of all projects, by project number as in GitLab's hashed storage."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def path(self, project_id: int) -> Path:
        """The directory of a project's repository."""
        name = hashlib.sha256(str(project_id).encode()).hexdigest()
        return self.root / "@hashed" / name[:2] / name[2:4] / f"{name}.git"

    def create(self, project_id: int, head: str) -> pygit2.Repository:
        """Make an empty repository whose HEAD names a branch that is yet to be born."""
        path = self.path(project_id)
        if path.exists():
            shutil.rmtree(path)  # left by a creation that was rolled back
        flags = RepositoryInitFlag.BARE | RepositoryInitFlag.MKPATH | RepositoryInitFlag.MKDIR
        return pygit2.init_repository(str(path), flags=flags, initial_head=head)

    def open(self, project_id: int) -> pygit2.Repository:
        """A project's repository."""
        return pygit2.Repository(str(self.path(project_id)))

    def delete(self, project_id: int) -> None:
        """Remove a project's repository."""
        shutil.rmtree(self.path(project_id), ignore_errors=True)


def is_empty(repository: pygit2.Repository) -> bool:
    """Whether there is no branch yet; libgit2's own answer depends on what HEAD is called."""
    return next(iter(repository.branches.local), None) is None
