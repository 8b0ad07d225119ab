"""The words that the platform's data, components and policies share.

A word that two of them spell differently fails at once instead of at the server.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import Final

__all__ = [
    "ACCELERATOR_LABEL",
    "AGENT_ACCOUNT",
    "AGENT_TOKEN_SECRET",
    "ENVIRONMENT_LABEL",
    "EXPOSED_LABEL",
    "HARDWARE_LABEL",
    "HARDWARE_MAP",
    "INTERCONNECT_LABEL",
    "IN_CLUSTER",
    "KUEUE",
    "MANAGER",
    "OWNER_LABEL",
    "POD_SECURITY_PREFIX",
    "PRODUCT",
    "QUEUE_LABEL",
    "SIMULATED_SECONDS",
    "SIMULATED_WORD",
    "WORKLOAD_ACCOUNT",
    "AccessLevel",
    "DeploymentTier",
    "GitLabTier",
    "MergeMethod",
    "PodSecurity",
    "Role",
    "SquashOption",
    "Visibility",
]

PRODUCT: Final = "bighpc"
"""The product's name, where an object says which product it is part of."""

MANAGER: Final = "pulumi"
"""Who manages an object that this program declares."""

ENVIRONMENT_LABEL: Final = "bighpc.io/environment"
"""Label: the environment that an object belongs to."""

OWNER_LABEL: Final = "bighpc.io/owner"
"""Label: the team that answers for an object."""

EXPOSED_LABEL: Final = "bighpc.io/exposed"
"""Pod label: ``"true"`` on pods that other namespaces may call."""

HARDWARE_LABEL: Final = "bighpc.io/hardware-profile"
"""Label and taint of nodes: the hardware profile that they are of."""

ACCELERATOR_LABEL: Final = "bighpc.io/accelerator"
"""Label of nodes: the model of their accelerators."""

INTERCONNECT_LABEL: Final = "bighpc.io/interconnect"
"""Label of nodes: the network between them."""

QUEUE_LABEL: Final = "bighpc.io/queue"
"""Label of jobs and their pods: the queue that they were given to."""

KUEUE: Final = "kueue.x-k8s.io"
"""The API group of Kueue's batch queues."""

SIMULATED_SECONDS: Final = "bighpc.io/simulated-seconds"
"""Annotation of pods: for how many seconds they seem to run on a simulated node; other nodes do not look at it."""

SIMULATED_WORD: Final = "simulated"
"""With what the message in the status of a pod begins that ended on a simulated node."""

HARDWARE_MAP: Final = "hardware-profiles"
"""The ConfigMap of an environment that says what hardware it has: a profile under each key."""

POD_SECURITY_PREFIX: Final = "pod-security.kubernetes.io"
"""Prefix of the labels that the Pod Security admission controller reads."""

WORKLOAD_ACCOUNT: Final = "workload"
"""The service account of applications: it has no rights and mounts no token."""

AGENT_ACCOUNT: Final = "gitlab-agent"
"""The service account that the agent for Kubernetes acts as, in its own namespace."""

AGENT_TOKEN_SECRET: Final = "gitlab-agent-token"  # noqa: S105 - the name of the object, not what is in it
"""The Secret with the agent's token, beside its account."""

IN_CLUSTER: Final = "https://kubernetes.default.svc"
"""How Argo CD calls the cluster that it belongs to."""


@unique
class Visibility(StrEnum):
    """Who may see a GitLab group or project; not who may change it."""

    PRIVATE = "private"
    INTERNAL = "internal"
    PUBLIC = "public"
    """A word of GitLab's that the platform refuses: see ``components.invariants``."""


@unique
class AccessLevel(StrEnum):
    """The least GitLab role that may do something to a protected branch or tag, in the provider's words."""

    NO_ONE = "no one"
    DEVELOPER = "developer"
    MAINTAINER = "maintainer"


@unique
class Role(StrEnum):
    """What a member of a group or project, or the user behind an access token, is there; in the provider's words."""

    GUEST = "guest"
    PLANNER = "planner"
    REPORTER = "reporter"
    DEVELOPER = "developer"
    MAINTAINER = "maintainer"
    OWNER = "owner"


@unique
class DeploymentTier(StrEnum):
    """What a GitLab environment is for; not its name."""

    PRODUCTION = "production"
    STAGING = "staging"
    TESTING = "testing"
    DEVELOPMENT = "development"
    OTHER = "other"


@unique
class GitLabTier(StrEnum):
    """What a GitLab instance is licensed for, from the least to the most."""

    FREE = "free"
    PREMIUM = "premium"
    ULTIMATE = "ultimate"

    def covers(self, other: GitLabTier) -> bool:
        """Whether it has everything that the other one has."""
        order = list(GitLabTier)
        return order.index(self) >= order.index(other)


@unique
class MergeMethod(StrEnum):
    """How GitLab merges a merge request."""

    MERGE = "merge"
    REBASE_MERGE = "rebase_merge"
    FAST_FORWARD = "ff"


@unique
class SquashOption(StrEnum):
    """Whether the commits of a merge request become one."""

    NEVER = "never"
    ALWAYS = "always"
    DEFAULT_ON = "default_on"
    DEFAULT_OFF = "default_off"


@unique
class PodSecurity(StrEnum):
    """The Pod Security Standard that a namespace enforces."""

    PRIVILEGED = "privileged"
    BASELINE = "baseline"
    RESTRICTED = "restricted"
