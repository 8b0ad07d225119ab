"""What git says about the operator that runs an environment's stack, and the ``Stack`` object that it reads. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, model_validator

from components.argocd.source_spec import InstalledChartSpec
from components.kubernetes.rule_spec import RuleSpec
from components.spec import DnsLabel, Quantity, Spec, VariableKey, quantity_value, refusal, ruled
from components.vocabulary import PRODUCT

__all__ = [
    "CHART",
    "DEFAULT_ENVIRONMENT",
    "OperatorChartSpec",
    "OperatorGeneration",
    "OperatorInstall",
    "OperatorSpec",
    "ReconcileMode",
    "ReconcileSpec",
    "WorkspaceSpec",
    "git_auth",
    "stack_document",
]

CHART: Final = "pulumi-kubernetes-operator"
"""The chart's name."""

DEFAULT_ENVIRONMENT: Final = ("GITLAB_BASE_URL", "GITLAB_TOKEN", "PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE")
"""What a run of the program needs of its environment when git says nothing else."""

_LOCAL: Final = re.compile(r"(\.{0,2}/)?([\w.-]+/)*[\w.-]*operator[\w.-]*/?")

LocalChart = Annotated[
    str,
    ruled(
        lambda value: _LOCAL.fullmatch(value) is not None,
        "a directory or an archive of the operator's chart on disk",
        f"use a path such as '/srv/charts/{CHART}-2.9.0.tgz'",
    ),
]
TaggedImage = Annotated[
    str,
    ruled(
        lambda value: (
            not any(map(str.isspace, value))
            and (":" in value.rpartition("/")[2] or "@sha256:" in value)
            and not value.endswith(":latest")
        ),
        "an image with a version or a digest, and not 'latest'",
        "write an image such as 'registry.example.org/pulumi/pulumi-python:3.231.0'",
    ),
]


@unique
class OperatorInstall(StrEnum):
    """Who installs the operator."""

    EXTERNAL = "external"
    """The site or the testbed: it is there before this program runs."""
    HELM = "helm"
    """This program, from the chart. One stack of those that share a cluster does it."""


@unique
class OperatorGeneration(StrEnum):
    """Which operator reads the ``Stack`` object."""

    V1 = "v1"
    """1.16: one process runs every stack."""
    V2 = "v2"
    """2.9 and later: each stack has a pod of its own."""


@unique
class ReconcileMode(StrEnum):
    """What makes the operator run a commit."""

    GATED = "gated"
    """``bighpc release`` sets the commit, after the gate."""
    BRANCH = "branch"
    """The operator follows the branch by itself: no gate, and up to a minute later."""


class OperatorChartSpec(InstalledChartSpec):
    """The operator's chart: from a repository or an OCI mirror, at an exact version, or from a mirror on disk."""

    example: ClassVar[str] = "2.9.0"

    path: LocalChart | None = None


class ReconcileSpec(Spec):
    """When the operator runs the program."""

    mode: ReconcileMode = ReconcileMode.GATED
    resync_seconds: int | None = Field(default=None, ge=60)
    """How often a branch is asked for new commits; by default the operator's own: 60."""

    @model_validator(mode="after")
    def _polls_only_branches(self) -> ReconcileSpec:
        if self.resync_seconds is not None and self.mode is ReconcileMode.GATED:
            raise refusal(
                "a released commit is run at once, so nothing is polled", "leave out resyncSeconds, or set mode: branch"
            )
        return self


class WorkspaceSpec(Spec):
    """The pod that the second generation runs a stack in."""

    image: TaggedImage | None = None
    """By default the operator's own choice."""
    cpu: Quantity = "500m"
    memory: Quantity = "1Gi"
    memory_limit: Quantity = "2Gi"
    ephemeral_storage: Quantity = "4Gi"
    """For the checkout and the program's packages; without a request the pod is the first to be evicted."""

    @model_validator(mode="after")
    def _requests_fit_limits(self) -> WorkspaceSpec:
        if quantity_value(self.memory) > quantity_value(self.memory_limit):
            raise refusal(
                f"a request is at most its limit; memory {self.memory} is more than memoryLimit {self.memory_limit}",
                "lower memory or raise memoryLimit",
            )
        return self

    def as_kubernetes(self) -> dict[str, Any]:
        """Return it as the operator reads it."""
        spec: dict[str, Any] = {
            "securityProfile": "restricted",
            "resources": {
                "requests": {"cpu": self.cpu, "memory": self.memory, "ephemeral-storage": self.ephemeral_storage},
                "limits": {"memory": self.memory_limit, "ephemeral-storage": self.ephemeral_storage},
            },
        }
        return {"spec": {**spec, "image": self.image} if self.image else spec}


class OperatorSpec(Spec):
    """What git says about the operator."""

    install: OperatorInstall = OperatorInstall.EXTERNAL
    chart: OperatorChartSpec | None = None
    generation: OperatorGeneration = OperatorGeneration.V1
    namespace: DnsLabel = "pulumi-operator"
    """Where the operator looks for ``Stack`` objects; also theirs and their secrets'."""
    account: DnsLabel | None = None
    """The service account that the program's rights are given to; by default ``pulumi-<environment>``, which the
    program makes. An operator of the first generation that runs in the cluster has one of its own: name that."""
    credentials: DnsLabel | None = None
    """The secret with the environment of a run, a key per variable; ``bighpc-<environment>-credentials`` by default.
    Whoever brings the stack up first makes it: what opens the state cannot be in the state."""
    environment: tuple[VariableKey, ...] = Field(default=DEFAULT_ENVIRONMENT, min_length=1)
    """The keys of that secret, which a run gets as environment variables."""
    rights: dict[DnsLabel, tuple[RuleSpec, ...]] = Field(default_factory=dict)
    """What the program may do beside what it needs by itself, by namespace."""
    reconcile: ReconcileSpec = ReconcileSpec()
    workspace: WorkspaceSpec = WorkspaceSpec()

    @model_validator(mode="after")
    def _has_its_chart(self) -> OperatorSpec:
        if (self.install is OperatorInstall.HELM) != (self.chart is not None):
            raise refusal("a chart goes with install: helm, and only with it", "add chart, or correct install")
        if self.generation is OperatorGeneration.V1 and "workspace" in self.model_fields_set:
            raise refusal(
                "an operator of the first generation makes no pods of its own",
                "remove workspace, or set generation: v2",
            )
        return self

    def account_in(self, environment: str) -> str:
        """Return the account that runs the environment's program."""
        return self.account or f"pulumi-{environment}"

    def credentials_in(self, environment: str) -> str:
        """Return the secret with the environment of a run."""
        return self.credentials or f"{PRODUCT}-{environment}-credentials"


def stack_document(
    spec: OperatorSpec, *, environment: str, branch: str, repository_url: Any, auth: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the specification of an environment's ``Stack`` object.

    A gated one has neither commit nor branch: the commit is a field of whoever releases.

    Args:
        spec: what git says.
        environment: the environment, which is also the stack's name.
        branch: the branch of the platform repository that drives it.
        repository_url: where git finds the platform repository over HTTP.
        auth: how to read it, see `git_auth`.
    """
    document: dict[str, Any] = {
        "stack": environment,
        "projectRepo": repository_url,
        "gitAuth": dict(auth),
        "envRefs": {name: _reference(spec.credentials_in(environment), name) for name in spec.environment},
        # What is not there is made by a person, on purpose: not by an operator that found an empty backend.
        "useLocalStackOnly": True,
    }
    if spec.reconcile.mode is ReconcileMode.BRANCH:
        document["branch"] = f"refs/heads/{branch}"
        if spec.reconcile.resync_seconds is not None:
            document["resyncFrequencySeconds"] = spec.reconcile.resync_seconds
    if spec.generation is OperatorGeneration.V2:
        document["serviceAccountName"] = spec.account_in(environment)
        document["workspaceTemplate"] = spec.workspace.as_kubernetes()
        # A pod per environment would wait for the next commit day and night.
        document["workspaceReclaimPolicy"] = "Delete"
    return document


def git_auth(secret: str) -> dict[str, Any]:
    """Return how the operator reads a repository with the user and the password of a secret in its namespace."""
    return {"basicAuth": {"userName": _reference(secret, "username"), "password": _reference(secret, "password")}}


def _reference(secret: str, key: str) -> dict[str, Any]:
    return {"type": "Secret", "secret": {"name": secret, "key": key}}
