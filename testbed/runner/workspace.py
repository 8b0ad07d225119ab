"""The directory of one job: made for it, its own, and gone afterwards.

Once the job's own commands have run, everything in it is theirs to arrange, links that lead elsewhere included. So the
runner writes what it has to write before that, and leaves the rest to `testbed.runner.archiver`.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from testbed.files import is_own_directory
from testbed.runner import archiver
from testbed.runner.stop import JobError

__all__ = ["ARCHIVER", "Workspace", "check_builds", "offer"]

_FIRST_USER = 64_100
"""Number of the first slot's user; such users own nothing else and need no entry in ``/etc/passwd``."""

ARCHIVER = (sys.executable, "-I", "-S", archiver.__file__)
"""Runs the archiver without looking for packages, which takes longer than packing a few files."""

_ARCHIVER_LIMIT = 600
NOTHING = 3


@dataclass(frozen=True)
class Workspace:
    """Where a job in one slot works."""

    builds: Path
    slot: int
    project: str
    """Full path of the project, which the checkout is named after."""
    containers: bool = False
    """Whether the job runs in a container, where it may be any user."""

    @property
    def user(self) -> int | None:
        """Number of the user that shell jobs in this slot run as; none where we may not choose."""
        return _FIRST_USER + self.slot if os.geteuid() == 0 else None

    @property
    def guard(self) -> Path:
        """The directory that keeps others out of everything below it."""
        return self.builds / str(self.slot)

    @property
    def root(self) -> Path:
        """What containers see of it."""
        return self.guard / "work"

    @property
    def home(self) -> Path:
        """``HOME`` of shell jobs."""
        return self.root / "home"

    @property
    def temporary(self) -> Path:
        """Scripts, file variables, ``TMPDIR``."""
        return self.root / "tmp"

    @property
    def checkout(self) -> Path:
        """``CI_PROJECT_DIR``."""
        return self.root / "builds" / self.project

    def create(self) -> None:
        """Make it, empty, whatever was left before."""
        self.remove()
        self.guard.mkdir(mode=0o710)
        if self.user is not None:
            os.chown(self.guard, -1, self.user)
        self.root.mkdir(mode=0o755)
        for directory in (self.home, self.temporary, self.checkout):
            directory.mkdir(mode=0o700, parents=True)
        for directory in (self.home, self.temporary, *self._down_to_checkout()):
            self._give(directory)

    def remove(self) -> None:
        """Remove it with everything in it."""
        if self.guard.exists():
            shutil.rmtree(self.guard)

    def write(self, name: str, text: str) -> Path:
        """Write a file that only the job reads, before its commands run."""
        path = self.temporary / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        self._give(path)
        return path

    def pack(
        self, form: str, paths: Sequence[str], exclude: Sequence[str], extra: Iterable[str], target: IO[bytes]
    ) -> str | None:
        """Pack files of the checkout.

        Returns:
            What was packed, in words; nothing when no file matches.

        Raises:
            JobError: when it cannot be done.
        """
        wanted = {"action": form, "paths": list(paths), "exclude": list(exclude), "extra": list(extra)}
        done = self._archiver(wanted, stdin=subprocess.DEVNULL, stdout=target)
        if done.returncode == NOTHING:
            return None
        if done.returncode != 0:
            raise JobError(f"files cannot be packed: {done.stderr.decode(errors='replace').strip()}")
        return done.stderr.decode().strip()

    def unpack(self, source: IO[bytes]) -> None:
        """Unpack an archive over the checkout.

        Raises:
            JobError: when it cannot be done.
        """
        done = self._archiver({"action": "unpack"}, stdin=source, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            raise JobError(f"the archive cannot be unpacked: {done.stderr.decode(errors='replace').strip()}")

    def _archiver(
        self, wanted: Mapping[str, object], stdin: IO[bytes] | int, stdout: IO[bytes] | int
    ) -> subprocess.CompletedProcess[bytes]:
        inside = f"/builds/{self.project}" if os.geteuid() == 0 else str(self.checkout)
        # What a container leaves may belong to any user; only the directory confines then.
        user = None if self.containers else self.user
        order = {**wanted, "root": str(self.root), "user": user, "directory": inside, "shared": self.containers}
        command = [*ARCHIVER, json.dumps(order)]
        try:
            return subprocess.run(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=subprocess.PIPE,
                check=False,
                timeout=_ARCHIVER_LIMIT,
                cwd="/",
                env={},
            )
        except subprocess.TimeoutExpired:
            raise JobError(f"files are not packed or unpacked after {_ARCHIVER_LIMIT} s; have fewer of them") from None

    def _down_to_checkout(self) -> list[Path]:
        return [path for path in (self.checkout, *self.checkout.parents) if path.is_relative_to(self.root / "builds")]

    def _give(self, path: Path) -> None:
        if self.containers:
            # An image's user may be anyone. Whoever is none of the job cannot pass the guard.
            path.chmod(0o777 if path.is_dir() else 0o644)
        if self.user is not None:
            os.chown(path, self.user, self.user, follow_symlinks=False)


def check_builds(builds: Path) -> None:
    """Make the directory of all builds, such that every user of jobs can pass through it and nobody else can write.

    Raises:
        OSError: when it is somebody else's.
    """
    builds.mkdir(mode=0o711, parents=True, exist_ok=True)
    if not is_own_directory(builds):
        raise OSError(f"{builds} is no directory of ours; remove it, or choose another with --builds")
    builds.chmod(0o711)
    for left in builds.iterdir():
        shutil.rmtree(left)


def offer(tools: Iterable[Path], builds: Path) -> Path:
    """Put programs where the users of all jobs can run them, as their own place may be closed to them.

    Returns:
        The directory, for PATH.

    Raises:
        OSError: when one is not there.
    """
    directory = builds / "bin"
    directory.mkdir(mode=0o755)
    for tool in tools:
        shutil.copyfile(tool, directory / tool.name)
        (directory / tool.name).chmod(0o755)
    return directory
