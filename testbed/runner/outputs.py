"""Artifacts: what a job gets of jobs before, and what it leaves."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import IO

from testbed.runner.environment import expand
from testbed.runner.log import JobLog
from testbed.runner.model import Job, Output
from testbed.runner.protocol import Client, ProtocolError
from testbed.runner.stop import JobError
from testbed.runner.workspace import Workspace

__all__ = ["Outputs"]

_ATTEMPTS = 3
_PAUSE = 1.0
_TOO_MANY = 429
_SUFFIXES = {"zip": ".zip", "gzip": ".gz", "raw": ""}


@dataclass(frozen=True)
class Outputs:
    """The artifacts around one job."""

    client: Client
    job: Job
    workspace: Workspace
    variables: Mapping[str, str]
    log: JobLog

    def download(self) -> None:
        """Fetch and unpack the archives of the jobs before.

        Raises:
            JobError: when one cannot be had.
        """
        for dependency in self.job.dependencies:
            if not dependency.artifacts_file:
                continue
            self.log.line(f"Downloading artifacts for {dependency.name} ({dependency.id})...")
            with tempfile.TemporaryFile(dir=self.workspace.guard) as file:
                status = _repeated(partial(self.client.download, dependency, file))
                if status != 200:
                    raise JobError(f"the artifacts of job {dependency.name} cannot be downloaded: GitLab says {status}")
                file.seek(0)
                self.workspace.unpack(file)

    def upload(self, *, success: bool, untracked: list[str]) -> None:
        """Pack and send what the job leaves.

        Raises:
            JobError: when GitLab does not take something.
        """
        for output in self.job.artifacts:
            if output.when not in ("always", "on_success" if success else "on_failure"):
                continue
            paths = [expand(path, self.variables) for path in output.paths]
            exclude = [expand(path, self.variables) for path in output.exclude]
            with tempfile.TemporaryFile(dir=self.workspace.guard) as file:
                extra = untracked if output.untracked else ()
                packed = self.workspace.pack(output.artifact_format, paths, exclude, extra, file)
                if packed is None:
                    self.log.warn(f"{', '.join(paths)}: no matching files. No {output.artifact_type} to upload")
                    continue
                self._send(output, file, packed)

    def _send(self, output: Output, file: IO[bytes], packed: str) -> None:
        name = expand(output.name or "artifacts", self.variables).replace("/", "-") or "artifacts"
        if output.artifact_type != "archive" or not name.endswith(".zip"):
            name += _SUFFIXES[output.artifact_format]

        def attempt() -> int:
            file.seek(0)
            return self.client.upload(self.job, output, name, file)

        status = _repeated(attempt)
        if status == 413:
            raise JobError(f"Uploading {output.artifact_type}: too large; GitLab's limit is lower than its size")
        if status != 201:
            raise JobError(f"Uploading {output.artifact_type}: GitLab says {status}")
        self.log.line(f"Uploading {output.artifact_type} as {name}: {packed}")


def _repeated(attempt: Callable[[], int]) -> int:
    """Try again after a lost connection or a passing trouble of GitLab's; returns the last status.

    Raises:
        JobError: when GitLab cannot be reached.
    """
    for count in range(1, _ATTEMPTS + 1):
        try:
            status = attempt()
        except ProtocolError as error:
            if count == _ATTEMPTS:
                raise JobError(str(error)) from None
        else:
            if (status < 500 and status != _TOO_MANY) or count == _ATTEMPTS:
                return status
        time.sleep(_PAUSE * count)
    raise AssertionError("the last attempt returns or raises")
