"""The pipeline that the command runs in, if it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Pipeline"]


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A job's pipeline, as GitLab's variables describe it."""

    id: int
    commit: str
    environment: str | None
    """What the job deploys to: GitLab itself records the deployment."""

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Pipeline | None:
        """Return the pipeline of a job's variables; none outside of a job."""
        number, commit = variables.get("CI_PIPELINE_ID", ""), variables.get("CI_COMMIT_SHA")
        if not number.isdecimal() or not commit:
            return None
        return cls(id=int(number), commit=commit, environment=variables.get("CI_ENVIRONMENT_NAME"))
