"""Where logs and artifacts of jobs lie."""

from __future__ import annotations

from pathlib import Path

from testbed.gitlab.settings import Settings
from testbed.gitlab.store import Artifact, Job

__all__ = ["artifact_file", "trace_file"]


def trace_file(settings: Settings, job: Job) -> Path:
    """The log of a job; missing until its first byte arrives."""
    return settings.data / "jobs" / str(job.id) / "trace.log"


def artifact_file(settings: Settings, artifact: Artifact) -> Path:
    """The bytes of an artifact."""
    return settings.data / "jobs" / str(artifact.job_id) / f"{artifact.id}.{artifact.file_type}"
