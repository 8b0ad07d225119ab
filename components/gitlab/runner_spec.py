"""What git says about a GitLab runner: which jobs it takes, and how it runs."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from components.argocd.source_spec import ExactVersion
from components.spec import DnsLabel, ProjectPath, Quantity, Spec, Text, WebUrl, refusal, ruled

__all__ = ["ChartSpec", "DockerRunSpec", "KubernetesRunSpec", "PackageRunSpec", "RunnerSpec"]

Image = Annotated[
    str,
    ruled(
        lambda value: ("@sha256:" in value or ":" in value.rpartition("/")[2]) and not value.endswith(":latest"),
        "a container image with a digest or a version, never ':latest'",
        "write an image such as 'registry.example.org/tools/python:3.11-bookworm'",
    ),
]


class _RunSpec(Spec):
    """What all ways to run have in common."""

    image: Image = "python:3.11-bookworm"
    """What jobs run in that name no image; unused by the shell executor."""
    concurrent: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many jobs at once."""


class PackageRunSpec(_RunSpec):
    """On a virtual machine, as a package and a systemd service; the machine is made elsewhere, from cloud-init."""

    executor: Literal["shell", "docker"] = "docker"
    privileged: bool = False
    """Whether a job's container may do what the host may."""
    package_source: Text | None = None
    """A line of apt's ``sources.list``; unset: the machine's own sources have the package."""
    package_key: Text | None = None
    """The public key that the source is signed with, armoured."""


class DockerRunSpec(_RunSpec):
    """As a container on a virtual machine's Docker host."""

    host: Annotated[str, Field(pattern=r"^(ssh|tcp|unix)://\S+$")]
    """The Docker host, such as ``ssh://runner@build-1.example.org``."""
    privileged: bool = False
    """Whether a job's container may do what the host may."""
    runner_image: Image = "gitlab/gitlab-runner:alpine-v18.5.0"


class ChartSpec(Spec):
    """A Helm chart."""

    repository: WebUrl = "https://charts.gitlab.io"
    name: DnsLabel = "gitlab-runner"
    version: ExactVersion


class KubernetesRunSpec(_RunSpec):
    """In a cluster: Argo CD installs the chart. Jobs are never privileged there, as others run beside them."""

    chart: ChartSpec
    namespace: DnsLabel = "gitlab-runners"
    cpu_limit: Quantity = "2"
    memory_limit: Quantity = "4Gi"


class RunnerSpec(Spec):
    """A runner. Exactly one of ``package``, ``docker`` and ``kubernetes`` says how it runs."""

    description: Text
    group: ProjectPath | None = None
    """The subgroup whose jobs it takes; unset, like ``project``: the platform's whole group."""
    project: ProjectPath | None = None
    """The only project whose jobs it takes."""
    instance: bool = False
    """Whether it takes jobs of the whole instance; only its administrators may make such a runner."""
    tags: tuple[Text, ...] = ()
    untagged: bool = False
    """Whether it also takes jobs that ask for no tag."""
    protected: bool = False
    """Whether it takes jobs of protected branches and tags alone."""
    locked: bool = True
    """Whether other projects may not enable it."""
    paused: bool = False
    timeout_minutes: Annotated[int, Field(ge=10, le=7 * 24 * 60)] = 60
    """After which a job is ended."""
    package: PackageRunSpec | None = None
    docker: DockerRunSpec | None = None
    kubernetes: KubernetesRunSpec | None = None

    @property
    def privileged(self) -> bool:
        """Whether its jobs may do what their host may."""
        return any(run.privileged for run in (self.package, self.docker) if run is not None)

    @model_validator(mode="after")
    def _runs_in_one_way(self) -> RunnerSpec:
        runs = [name for name in ("package", "docker", "kubernetes") if getattr(self, name) is not None]
        if len(runs) != 1:
            raise refusal(
                f"a runner runs in exactly one way: package, docker or kubernetes; here in {len(runs)}",
                "keep one of the three keys",
            )
        return self

    @model_validator(mode="after")
    def _belongs_to_one_place(self) -> RunnerSpec:
        places = [name for name in ("group", "project", "instance") if getattr(self, name)]
        if len(places) > 1:
            raise refusal(
                f"a runner belongs to one place; here to {' and '.join(places)}", "keep one of group, project, instance"
            )
        return self

    @model_validator(mode="after")
    def _takes_some_jobs(self) -> RunnerSpec:
        if not self.tags and not self.untagged:
            raise refusal(
                "a runner without tags takes untagged jobs, or it would never take any", "add tags, or set untagged"
            )
        return self

    @model_validator(mode="after")
    def _privileged_ones_are_asked_for(self) -> RunnerSpec:
        if self.privileged and (self.untagged or not self.protected):
            raise refusal(
                "a privileged runner takes only jobs of protected branches that ask for it by tag",
                "set protected to true and untagged to false, or privileged to false",
            )
        return self
