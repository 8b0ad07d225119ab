"""Where logs and artifacts of jobs lie, and how artifacts come to be there and go."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO

from sqlalchemy import event
from sqlalchemy.orm import Session

from testbed.gitlab.settings import Settings
from testbed.gitlab.store import Artifact, Job

__all__ = [
    "MOST_ARTIFACT_BYTES",
    "REPORT_FORMATS",
    "archived_file",
    "artifact_file",
    "drop_artifact",
    "erase_trace",
    "sha256_of",
    "store_artifact",
    "trace_file",
]

MOST_ARTIFACT_BYTES = 100 * 1024 * 1024
"""Size of one artifact, unless the project's ``max_artifacts_size`` says otherwise."""

_PIECE = 1024 * 1024

REPORT_FORMATS = {
    "accessibility": "raw",
    "annotations": "gzip",
    "api_fuzzing": "raw",
    "browser_performance": "raw",
    "cluster_image_scanning": "raw",
    "cobertura": "gzip",
    "codequality": "raw",
    "container_scanning": "raw",
    "coverage_fuzzing": "raw",
    "cyclonedx": "gzip",
    "dast": "raw",
    "dependency_scanning": "raw",
    "dotenv": "gzip",
    "jacoco": "gzip",
    "junit": "gzip",
    "load_performance": "raw",
    "lsif": "zip",
    "metrics": "gzip",
    "requirements": "raw",
    "requirements_v2": "raw",
    "sast": "raw",
    "secret_detection": "raw",
    "terraform": "raw",
}
"""How the runner sends each kind of report."""


def trace_file(settings: Settings, job: Job) -> Path:
    """The log of a job; missing until its first byte arrives."""
    return _directory(settings, job.id) / "trace.log"


def artifact_file(settings: Settings, artifact: Artifact) -> Path:
    """The bytes of an artifact."""
    return _directory(settings, artifact.job_id) / f"{artifact.id}.{artifact.file_type}"


def store_artifact(
    settings: Settings, session: Session, artifact: Artifact, content: IO[bytes], expire_at: datetime | None
) -> None:
    """Keep the bytes of a new artifact; `size` and `sha256` are filled in from them.

    The row's `job`, `file_type`, `file_format` and `filename` are set; the rest is done here. A file whose transaction
    is rolled back is removed again.
    """
    artifact.expire_at = expire_at
    artifact.sha256 = sha256_of(content)
    artifact.size = content.seek(0, os.SEEK_END)
    session.add(artifact)
    session.flush()
    file = artifact_file(settings, artifact)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    event.listen(session, "after_rollback", partial(_remove, file), once=True)
    content.seek(0)
    with file.open("wb") as stream:
        shutil.copyfileobj(content, stream)


def sha256_of(content: IO[bytes]) -> str:
    """The digest of a file that is open."""
    content.seek(0)
    digest = hashlib.sha256()
    while piece := content.read(_PIECE):
        digest.update(piece)
    return digest.hexdigest()


def archived_file(settings: Settings, artifact: Artifact, name: str) -> Iterator[bytes] | None:
    """The content of one file in an archive, in pieces; nothing where it is not there."""
    try:
        archive = zipfile.ZipFile(artifact_file(settings, artifact))
    except zipfile.BadZipFile:
        return None
    try:
        member = archive.getinfo(name)
    except KeyError:
        archive.close()
        return None
    return _pieces(archive, member)


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive, archive.open(member) as stream:
        while piece := stream.read(_PIECE):
            yield piece


def drop_artifact(settings: Settings, session: Session, artifact: Artifact) -> None:
    """Remove an artifact; its bytes go once the removal is kept."""
    _remove_when_kept(session, artifact_file(settings, artifact))
    session.delete(artifact)


def erase_trace(settings: Settings, session: Session, job: Job) -> None:
    """Remove the log of a job, once the change is kept."""
    _remove_when_kept(session, trace_file(settings, job))
    job.trace_size = 0


def _remove_when_kept(session: Session, file: Path) -> None:
    event.listen(session, "after_commit", partial(_remove, file), once=True)


def _remove(file: Path, _session: Session) -> None:
    file.unlink(missing_ok=True)


def _directory(settings: Settings, job_id: int) -> Path:
    return settings.data / "jobs" / str(job_id)
