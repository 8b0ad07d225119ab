"""Where a drill takes place: an environment, a clone of its branch, and what is done there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from gitops.connection import Connection
from gitops.drift.command import Request as DriftRequest
from gitops.drift.command import drift, exit_code
from gitops.drill.changes import Change
from gitops.errors import CommandError
from gitops.release.command import Request, release
from gitops.remote import RemoteGit, clone_url

__all__ = ["Ground", "Place", "opened"]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which environment, and how it is reached."""

    environment: str
    project: str
    """The platform repository's, by path."""
    limit_s: float
    """Seconds for one release."""
    context: str | None = None
    """The kubeconfig's context; by default its current one."""
    namespace: str = "pulumi-operator"
    """Where the ``Stack`` object is."""


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a drill does to the environment. No pipeline runs: the drill releases by itself, to measure it."""

    place: Place
    connection: Connection
    tree: Path
    git: RemoteGit
    console: Console

    @property
    def head(self) -> str:
        """The commit that the environment's branch is at."""
        self.git("fetch", "--quiet", "origin", self.place.environment)
        return self.git("rev-parse", "FETCH_HEAD").strip()

    def push(self, change: Change, about: str) -> str:
        """Commit a change and push it; returns the commit."""
        self._catch_up()
        change(self.tree, self.place.environment)
        self.git("commit", "--quiet", "--all", "--message", f"chore: drill: {about}")
        return self._pushed()

    def revert(self, commit: str) -> str:
        """Revert a commit and push that; returns the new one."""
        self._catch_up()
        self.git("revert", "--no-edit", commit)
        return self._pushed()

    def push_back(self) -> str | None:
        """Try to take the branch's last commit back by force; returns GitLab's refusal, or nothing."""
        self._catch_up()
        branch = f"refs/heads/{self.place.environment}"
        try:
            self.git("push", "--quiet", "--force", "--push-option=ci.skip", "origin", f"HEAD~1:{branch}")
        except CommandError as error:
            return error.reason
        self.git("push", "--quiet", "--force", "--push-option=ci.skip", "origin", f"HEAD:{branch}")
        return None

    def release(self, commit: str) -> str:
        """Release a commit; returns how that ended, in a word: ``released``, ``failed``, ..., or ``refused: why``."""
        request = Request(
            environment=self.place.environment,
            commit=commit,
            project=self.place.project,
            context=self.place.context,
            namespace=self.place.namespace,
            pipeline=None,
            directory=self.tree,
            out=self.tree.parent / "release",
            limit_s=self.place.limit_s,
        )
        try:
            return release(request, self.connection, self.console).name.lower()
        except CommandError as error:
            return f"refused: {error.reason}"

    def differences(self) -> list[str]:
        """What of the environment is not as the head of its branch says: drift, and what is not deployed.

        Raises:
            CommandError: when it cannot be told.
        """
        self._catch_up()
        request = DriftRequest(
            directory=self.tree,
            out=self.tree.parent / "drift",
            stacks=(self.place.environment,),
            limit_s=self.place.limit_s,
            propose=False,
            project=None,
        )
        found = drift(request, self.console)
        differences = [f"{one.title}: {one.cause.value}" for each in found for one in each.findings]
        if exit_code(found) and not differences:
            raise CommandError(
                f"whether {self.place.environment} is as its branch says could not be told",
                "Look at what is printed above.",
            )
        return differences

    def _catch_up(self) -> None:
        # The engine writes the salt of its secrets into the checkout's files.
        self.git("reset", "--quiet", "--hard", self.head)

    def _pushed(self) -> str:
        branch = f"refs/heads/{self.place.environment}"
        self.git("push", "--quiet", "--push-option=ci.skip", "origin", f"HEAD:{branch}")
        return self.git("rev-parse", "HEAD").strip()


@contextmanager
def opened(place: Place, connection: Connection, console: Console) -> Iterator[Ground]:
    """Clone the environment's branch for a while, with the virtual environment of the working directory.

    Raises:
        CommandError: when GitLab does not give it.
    """
    url = clone_url(connection, place.project)
    scratch = Path(tempfile.mkdtemp(prefix="bighpc-drill-"))
    try:
        tree = scratch / "tree"
        tree.mkdir()
        git = RemoteGit(tree, url, connection.token)
        git("clone", "--quiet", "--branch", place.environment, url, ".")
        (tree / ".git" / "info" / "exclude").write_text(".venv\n", encoding="utf-8")
        own = Path.cwd() / ".venv"
        if own.exists():
            (tree / ".venv").symlink_to(own.resolve())
        yield Ground(place=place, connection=connection, tree=tree, git=git, console=console)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
