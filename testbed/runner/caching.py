"""Caches: files that jobs of a project leave for later ones, as archives on this machine."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed.runner.environment import expand
from testbed.runner.log import JobLog
from testbed.runner.model import Cache, Job
from testbed.runner.stop import JobError
from testbed.runner.workspace import Workspace

__all__ = ["Caches"]

MOST = 5 * 1024**3
"""Bytes of all archives together; the ones unused for longest go first."""


@dataclass(frozen=True)
class Caches:
    """The caches of one job."""

    directory: Path
    job: Job
    workspace: Workspace
    variables: Mapping[str, str]
    log: JobLog

    def restore(self) -> None:
        """Unpack what is there; a cache that is missing or damaged costs time, never a job."""
        for cache in self.job.cache:
            if "pull" not in cache.policy:
                continue
            found = next((file for file in self._files(cache) if file.is_file()), None)
            if found is None:
                self.log.line(f"No cache for {self._key(cache.key)}")
                continue
            try:
                with found.open("rb") as archive:
                    self.workspace.unpack(archive)
            except JobError as error:
                self.log.warn(f"cache {self._key(cache.key)}: {error}")
                continue
            os.utime(found)
            self.log.good(f"Successfully extracted cache {self._key(cache.key)}")

    def save(self, *, success: bool, untracked: list[str]) -> None:
        """Pack what the job left."""
        for cache in self.job.cache:
            fits = cache.when in ("always", "on_success" if success else "on_failure")
            if "push" not in cache.policy or not fits:
                continue
            paths = [expand(path, self.variables) for path in cache.paths]
            with tempfile.NamedTemporaryFile(dir=self.directory, suffix=".part", delete=False) as part:
                try:
                    packed = self.workspace.pack("zip", paths, (), untracked if cache.untracked else (), part)
                except JobError as error:
                    packed = None
                    self.log.warn(f"cache {self._key(cache.key)}: {error}")
            if packed is None:
                Path(part.name).unlink()
                continue
            Path(part.name).replace(self._file(cache.key))
            self.log.good(f"Created cache {self._key(cache.key)}: {packed}")
        self._tidy()

    def _files(self, cache: Cache) -> Iterator[Path]:
        for key in (cache.key, *cache.fallback_keys):
            yield self._file(key)

    def _key(self, key: str) -> str:
        return expand(key, self.variables)

    def _file(self, key: str) -> Path:
        """One project's caches are out of reach for the others."""
        name = hashlib.sha256(f"{self.job.job_info.project_id}/{self._key(key)}".encode()).hexdigest()
        return self.directory / f"{name}.zip"

    def _tidy(self) -> None:
        files = sorted(self.directory.glob("*.zip"), key=lambda file: file.stat().st_mtime, reverse=True)
        total = 0
        for file in files:
            total += file.stat().st_size
            if total > MOST:
                file.unlink()
