"""What the operator's run of the program may do, and what the release job may do, as data. Pure.

The run keeps what the program declares in shape, and nothing else: rights, namespaces as such and the guard of releases
are changed by a person's ``pulumi up``. The cluster refuses a commit that changes them, so whoever may merge cannot
give the operator, or anybody through it, more than it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from components.invariants import Violation
from components.kubernetes.rule_spec import RBAC, RuleSpec, cluster_violations, namespace_violations
from components.vocabulary import AGENT_TOKEN_SECRET, HARDWARE_MAP, KUEUE

__all__ = [
    "STACKS",
    "Places",
    "ServicePlace",
    "cluster_rules",
    "guard_expressions",
    "namespace_rules",
    "release_rules",
    "rights_violations",
]

STACKS: Final = "pulumi.com"
"""The API group of ``Stack`` objects."""

_LOOK: Final = ("get", "list", "watch")
_CHANGE: Final = ("get", "patch", "update", "delete")
_KEEP: Final = (*_LOOK, "create", "patch", "update", "delete")
_ARGOCD_SETTINGS: Final = ("argocd-cm", "argocd-rbac-cm", "argocd-notifications-cm")
_ARGOCD_TOKEN: Final = "argocd-notifications-secret"  # noqa: S105 - the name of the object, not what is in it


@dataclass(frozen=True, kw_only=True)
class ServicePlace:
    """A namespace of one service's own, and what the program keeps for it."""

    namespace: str
    config_maps: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    ingresses: tuple[str, ...] = ()
    volume_claims: tuple[str, ...] = ()
    argocd_secrets: tuple[str, ...] = ()
    """Its secrets in Argo CD's namespace."""
    cluster_roles: tuple[str, ...] = ()
    """Its rights in the whole cluster, which the run looks at and cannot change."""


@dataclass(frozen=True, kw_only=True)
class Places:
    """The namespaces that an environment's program has objects in, and the secrets that it keeps there."""

    environment: str
    applications: str
    """The namespace of the environment's applications."""
    operator: str
    argocd: str
    argocd_secrets: tuple[str, ...]
    """Its secrets in Argo CD's namespace."""
    argocd_settings: bool
    """Whether the program sets Argo CD's own settings."""
    stack: str
    """The ``Stack`` object's name."""
    operator_secrets: tuple[str, ...]
    """Its secrets in the operator's namespace."""
    agent: str | None
    """The agent's own namespace, if the environment has an agent."""
    priority_classes: tuple[str, ...] = ()
    """Those of its hardware profiles."""
    kueue: tuple[str, ...] = ()
    """Its ResourceFlavors and its ClusterQueue, if its batch queues are Kueue's."""
    services: tuple[ServicePlace, ...] = ()
    """The services that the stack has, each in a namespace of its own."""

    def namespaces(self) -> tuple[str, ...]:
        """Return the namespaces that the program itself declares."""
        own = (self.applications, *([self.agent] if self.agent else []))
        return (*own, *(service.namespace for service in self.services))


def cluster_rules(places: Places) -> tuple[RuleSpec, ...]:
    """Return what the run may do outside of namespaces: look at namespaces, and keep the labels of its own."""
    own = places.namespaces()
    guards = (f"bighpc-release-{places.environment}",)
    services = (role for service in places.services for role in service.cluster_roles)
    rights = (f"bighpc-operator-{places.environment}", *services)
    classes = RuleSpec(
        api_groups=("scheduling.k8s.io",),
        resources=("priorityclasses",),
        verbs=("get",),
        resource_names=places.priority_classes,
    )
    queues = RuleSpec(
        api_groups=(KUEUE,),
        resources=("clusterqueues", "resourceflavors"),
        verbs=("get",),
        resource_names=places.kueue,
    )
    return (
        # Who a cluster is, the program reads from kube-system.
        RuleSpec(resources=("namespaces",), verbs=_LOOK),
        RuleSpec(resources=("namespaces",), verbs=("patch", "update"), resource_names=own),
        RuleSpec(
            api_groups=(RBAC,),
            resources=("clusterroles", "clusterrolebindings"),
            verbs=("get",),
            resource_names=rights,
        ),
        RuleSpec(
            api_groups=("admissionregistration.k8s.io",),
            resources=("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
            verbs=("get",),
            resource_names=guards,
        ),
        # A rule without names would be one for all.
        *((classes,) if places.priority_classes else ()),
        *((queues,) if places.kueue else ()),
    )


def namespace_rules(places: Places, more: Mapping[str, tuple[RuleSpec, ...]]) -> dict[str, tuple[RuleSpec, ...]]:
    """Return what the run may do in namespaces.

    Args:
        places: where the program has objects.
        more: what git adds, by namespace.
    """
    rules: dict[str, tuple[RuleSpec, ...]] = {
        places.applications: (*_limits(), *_kept("configmaps", (HARDWARE_MAP,)), *_queues(places)),
        places.argocd: (
            RuleSpec(
                api_groups=("argoproj.io",), resources=("applications", "applicationsets", "appprojects"), verbs=_KEEP
            ),
            *_argocd_objects(places),
        ),
        places.operator: (
            RuleSpec(
                api_groups=(STACKS,),
                resources=("stacks",),
                verbs=("get", "patch", "update"),
                resource_names=(places.stack,),
            ),
            RuleSpec(resources=("serviceaccounts",), verbs=("get",)),
            *_secrets(places.operator_secrets),
        ),
    }
    if places.agent:
        rules[places.agent] = (*_limits(), *_secrets((AGENT_TOKEN_SECRET,)))
    for service in places.services:
        rules[service.namespace] = (
            *_limits(),
            *_kept("configmaps", service.config_maps),
            *_kept("persistentvolumeclaims", service.volume_claims),
            *_kept("ingresses", service.ingresses, group="networking.k8s.io"),
            *_secrets(service.secrets),
        )
    looks = RuleSpec(api_groups=(RBAC,), resources=("roles", "rolebindings"), verbs=("get",))
    return {
        namespace: (*rules.get(namespace, ()), looks, *more.get(namespace, ())) for namespace in sorted({*rules, *more})
    }


def release_rules(places: Places) -> tuple[RuleSpec, ...]:
    """Return what the release job may do: see its environment's ``Stack`` object, and set its commit."""
    return (
        RuleSpec(api_groups=(STACKS,), resources=("stacks",), verbs=(*_LOOK, "patch"), resource_names=(places.stack,)),
    )


def guard_expressions(account: str) -> dict[str, str]:
    """Return what holds for a change of the ``Stack`` object: the message for each expression (CEL).

    RBAC cannot tell one field from another, so the API server checks what RBAC lets through.

    Args:
        account: the release job's, by its full name.
    """
    releaser = f"request.userInfo.username == '{account}'"
    robot = "request.userInfo.username.startsWith('system:serviceaccount:')"
    kept = "object.spec.all(key, key == 'commit' || (key in oldObject.spec && object.spec[key] == oldObject.spec[key]))"
    complete = "oldObject.spec.all(key, key == 'commit' || key in object.spec)"
    before = "has(oldObject.spec.commit) ? oldObject.spec.commit : ''"
    after = "has(object.spec.commit) ? object.spec.commit : ''"
    return {
        f"!({releaser}) || ({kept} && {complete})": "The release job sets spec.commit and nothing else.",
        f"!({robot}) || {releaser} || ({before}) == ({after})": "spec.commit is set by the release job alone.",
    }


def rights_violations(
    cluster: Iterable[RuleSpec], namespaces: Mapping[str, tuple[RuleSpec, ...]]
) -> Iterator[Violation]:
    """Yield what the operator or the release job must never be allowed, and is."""
    yield from cluster_violations("the operator", cluster)
    for namespace, rules in namespaces.items():
        yield from namespace_violations("the operator", namespace, rules)


def _limits() -> tuple[RuleSpec, ...]:
    return (
        RuleSpec(resources=("resourcequotas", "limitranges", "serviceaccounts"), verbs=_KEEP),
        RuleSpec(api_groups=("networking.k8s.io",), resources=("networkpolicies",), verbs=_KEEP),
    )


def _queues(places: Places) -> tuple[RuleSpec, ...]:
    return (RuleSpec(api_groups=(KUEUE,), resources=("localqueues",), verbs=_KEEP),) if places.kueue else ()


def _argocd_objects(places: Places) -> tuple[RuleSpec, ...]:
    names = (*places.argocd_secrets, *(name for service in places.services for name in service.argocd_secrets))
    if not places.argocd_settings:
        return _secrets(names)
    settings = RuleSpec(resources=("configmaps",), verbs=("get", "patch", "update"), resource_names=_ARGOCD_SETTINGS)
    return (*_secrets((*names, _ARGOCD_TOKEN)), settings)


def _secrets(names: tuple[str, ...]) -> tuple[RuleSpec, ...]:
    """It reads and changes its own, and makes new ones: RBAC knows no names for what is not there yet."""
    return _kept("secrets", names)


def _kept(resource: str, names: tuple[str, ...], group: str = "") -> tuple[RuleSpec, ...]:
    if not names:
        return ()
    return (
        RuleSpec(api_groups=(group,), resources=(resource,), verbs=_CHANGE, resource_names=names),
        RuleSpec(api_groups=(group,), resources=(resource,), verbs=("create",)),
    )
