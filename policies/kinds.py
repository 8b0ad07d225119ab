"""Pulumi's type tokens, without what does not matter to a rule, and the values that come with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final

from pulumi_policy.proxy import UnknownValueError, unknown_checking_proxy

__all__ = ["EVERY_OBJECT", "NAMESPACED", "WORKLOADS", "is_patch", "is_unknown", "kind_of", "matches", "plain"]

EVERY_OBJECT: Final = "*"
"""Every object of the Kubernetes API."""

WORKLOADS: Final = (
    "apps/DaemonSet",
    "apps/Deployment",
    "apps/ReplicaSet",
    "apps/StatefulSet",
    "batch/CronJob",
    "batch/Job",
    "core/Pod",
    "core/PodTemplate",
    "core/ReplicationController",
)
"""The kinds that have a pod in them."""

NAMESPACED: Final = (
    *WORKLOADS,
    "argoproj.io/*",
    "core/ConfigMap",
    "core/LimitRange",
    "core/PersistentVolumeClaim",
    "core/ResourceQuota",
    "core/Secret",
    "core/Service",
    "core/ServiceAccount",
    "networking.k8s.io/Ingress",
    "networking.k8s.io/NetworkPolicy",
    "policy/PodDisruptionBudget",
    "pulumi.com/Stack",
    "rbac.authorization.k8s.io/Role",
    "rbac.authorization.k8s.io/RoleBinding",
)
"""The kinds that live in a namespace."""

_PATCH: Final = "Patch"
_NO_OBJECTS: Final = ("helm.sh/", "yaml/", "yaml:", "kustomize/", "kustomize:")
"""What Pulumi's Kubernetes package has besides objects."""


@cache
def kind_of(token: str) -> str:
    """Return the API group and kind of a type token.

    ``kubernetes:apps/v1:DeploymentPatch`` is ``apps/Deployment``: rules hold for every version of an API, and for
    patches. ``gitlab:index/project:Project`` is ``gitlab/Project``.
    """
    package, _, rest = token.partition(":")
    module, _, kind = rest.rpartition(":")
    if package != "kubernetes":
        return f"{package}/{kind}"
    return f"{module.rpartition('/')[0] or module}/{kind.removesuffix(_PATCH)}"


def is_patch(token: str) -> bool:
    """Whether a resource of the type changes some fields of an object that somebody else made."""
    return token.startswith("kubernetes:") and token.endswith(_PATCH)


def _is_object(token: str) -> bool:
    package, _, rest = token.partition(":")
    return package == "kubernetes" and not rest.startswith(_NO_OBJECTS) and not rest.endswith("List")


@cache
def matches(token: str, kinds: frozenset[str], patches: bool) -> bool:
    """Whether resources of a type are of one of these kinds; ``core/*`` is all of an API group.

    Args:
        token: Pulumi's name of the type.
        kinds: API groups and kinds, or ``EVERY_OBJECT``.
        patches: whether patches of such an object count too.
    """
    if is_patch(token) and not patches:
        return False
    kind = kind_of(token)
    return any(_is_object(token) if pattern == EVERY_OBJECT else fnmatchcase(kind, pattern) for pattern in kinds)


def is_unknown(value: Any) -> bool:
    """Whether a preview does not know the value. Only a repair needs to ask: what it is given does not raise."""
    try:
        unknown_checking_proxy({"value": value})["value"]
    except UnknownValueError:
        return True
    return False


def plain(value: Any) -> Any:
    """Return a copy of what the SDK wraps, that still raises when a value is read that a preview does not know."""
    return unknown_checking_proxy(_unwrapped(value))


def _unwrapped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unwrapped(value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_unwrapped(each) for each in value]
    return value
