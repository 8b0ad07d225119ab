"""A job, as the protocol hands it out; what this runner does not use is left out."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Cache", "Dependency", "GitInfo", "Image", "Job", "Output", "Step", "Variable"]


class Part(BaseModel):
    """Base of everything that comes from GitLab, which may send more than we know, and ``null`` for what is not set."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nothing(cls, sent: Any) -> Any:
        return {key: value for key, value in sent.items() if value is not None} if isinstance(sent, dict) else sent


class Variable(Part):
    """One CI/CD variable."""

    key: str
    value: str
    public: bool = False
    file: bool = False
    masked: bool = False
    raw: bool = False


class GitInfo(Part):
    """What to check out."""

    repo_url: str
    ref: str
    sha: str
    refspecs: list[str] = Field(default_factory=list)
    depth: int = 0


class Step(Part):
    """A script: ``script`` or ``after_script``."""

    name: str
    script: list[str]


class Image(Part):
    """The image that a job or a service runs in."""

    name: str
    entrypoint: list[str] | None = None


class Output(Part):
    """A file that the job leaves."""

    name: str | None = None
    untracked: bool = False
    paths: list[str] = Field(default_factory=list)
    exclude: list[str] = Field(default_factory=list)
    when: Literal["on_success", "on_failure", "always"] = "on_success"
    expire_in: str | None = None
    artifact_type: str = "archive"
    artifact_format: Literal["zip", "gzip", "raw"] = "zip"


class Cache(Part):
    """Files that are kept from job to job."""

    key: str
    untracked: bool = False
    paths: list[str] = Field(default_factory=list)
    policy: str = "pull-push"
    when: Literal["on_success", "on_failure", "always"] = "on_success"
    fallback_keys: list[str] = Field(default_factory=list)


class Dependency(Part):
    """A job before, whose archive is wanted."""

    id: int
    name: str
    token: str
    artifacts_file: dict[str, Any] = Field(default_factory=dict)
    """Empty where the job left no archive."""


class _JobInfo(Part):
    name: str
    project_id: int


class _RunnerInfo(Part):
    timeout: int = 3600


class _Features(Part):
    token_mask_prefixes: list[str] = Field(default_factory=list)
    failure_reasons: list[str] = Field(default_factory=list)


class Job(Part):
    """A job to run."""

    id: int
    token: str
    job_info: _JobInfo
    git_info: GitInfo
    runner_info: _RunnerInfo = _RunnerInfo()
    variables: list[Variable] = Field(default_factory=list)
    steps: list[Step]
    hooks: list[Step] = Field(default_factory=list)
    image: Image | None = None
    services: list[Image] = Field(default_factory=list)
    artifacts: list[Output] = Field(default_factory=list)
    cache: list[Cache] = Field(default_factory=list)
    dependencies: list[Dependency] = Field(default_factory=list)
    features: _Features = _Features()
    run: str = ""
    """Steps of the ``run`` keyword, which is another language than ``script``."""
    secrets: dict[str, Any] = Field(default_factory=dict)
    """What to fetch from a secrets manager."""

    def step(self, name: str) -> list[str]:
        """The commands of a step; none where the job does not have it."""
        return next((step.script for step in self.steps if step.name == name), [])

    def value(self, key: str, default: str = "") -> str:
        """The value of a variable."""
        return next((each.value for each in reversed(self.variables) if each.key == key), default)
