"""Objects in the stack's namespaces that no program declares, and applications that differ from their repository."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import httpx2
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.generic_resource import GenericGlobalResource, GenericNamespacedResource, create_api_info
from lightkube.models.meta_v1 import ObjectMeta

from gitops.cluster import APPLICATION, reason
from gitops.drift.finding import Cause, Finding
from gitops.pulumi.plan import Change
from gitops.pulumi.state import State

__all__ = ["Declared", "look"]

_NAMESPACE: Final = "kubernetes:core/v1:Namespace"
_APPLICATION_TYPE: Final = "kubernetes:argoproj.io/v1alpha1:Application"
_TRACKING: Final = "argocd.argoproj.io/tracking-id"
"""Annotation ``<application>:<group>/<kind>:<namespace>/<name>`` on what Argo CD applied."""


# The typed classes refuse what a newer or older cluster has.
_DEFINITION: Final[type[GenericGlobalResource]] = type(
    "CustomResourceDefinition",
    (GenericGlobalResource,),
    {
        "_api_info": create_api_info(
            "apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions"
        )
    },
)


def _kind(group: str, version: str, name: str, plural: str) -> type[GenericNamespacedResource]:
    info = create_api_info(group, version, name, plural)
    return type(name, (GenericNamespacedResource,), {"_api_info": info})


_KINDS: Final = (
    _kind("", "v1", "ConfigMap", "configmaps"),
    _kind("", "v1", "Secret", "secrets"),
    _kind("", "v1", "Service", "services"),
    _kind("", "v1", "ServiceAccount", "serviceaccounts"),
    _kind("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims"),
    _kind("", "v1", "ResourceQuota", "resourcequotas"),
    _kind("", "v1", "LimitRange", "limitranges"),
    _kind("", "v1", "Pod", "pods"),
    _kind("", "v1", "ReplicationController", "replicationcontrollers"),
    _kind("apps", "v1", "Deployment", "deployments"),
    _kind("apps", "v1", "StatefulSet", "statefulsets"),
    _kind("apps", "v1", "DaemonSet", "daemonsets"),
    _kind("apps", "v1", "ReplicaSet", "replicasets"),
    _kind("batch", "v1", "Job", "jobs"),
    _kind("batch", "v1", "CronJob", "cronjobs"),
    _kind("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers"),
    _kind("networking.k8s.io", "v1", "Ingress", "ingresses"),
    _kind("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies"),
    _kind("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
    _kind("rbac.authorization.k8s.io", "v1", "Role", "roles"),
    _kind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings"),
)
"""What people make by hand; what Kubernetes makes alone, such as events, endpoints and leases, is not here."""

_OF_KUBERNETES: Final = frozenset({("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")})
"""What Kubernetes puts into every namespace."""


class Declared:
    """What the programs of all stacks declare in the cluster."""

    def __init__(self, states: Iterable[State], planned: Iterable[Change] = ()) -> None:
        """Take in what is recorded, and what the program will make."""
        recorded = [each.properties for state in states for each in state.resources if _in_cluster(each.type)]
        asked = [change.new for change in planned if _in_cluster(change.type)]
        self.objects = {_identity(each) for each in (*recorded, *asked)}
        """Kind, namespace and name."""
        self.applications = {name for kind, _, name in self.objects if kind == "Application"}
        """Names of Argo CD's applications."""


def look(client: Client, state: State, declared: Declared) -> tuple[list[Finding], list[str]]:
    """Return what drifted in the stack's namespaces, and why something could not be told.

    Args:
        client: the cluster's client.
        state: the stack.
        declared: what all stacks declare.
    """
    errors: list[str] = []
    present: dict[tuple[str, str], list[Any]] = {}
    namespaces = sorted(str(_metadata(each.properties).get("name") or each.id) for each in state.of(_NAMESPACE))
    for kind in (*_KINDS, *_custom_kinds(client, errors)) if namespaces else ():
        for namespace in namespaces:
            try:
                present[kind.__name__, namespace] = list(client.list(kind, namespace=namespace))
            except (ApiError, httpx2.HTTPError) as error:
                errors.append(f"{kind.__name__}s of namespace {namespace} cannot be listed: {reason(error)}")
    findings = [
        _finding(kind, each.metadata)
        for (kind, namespace), objects in present.items()
        for each in objects
        if not _expected(kind, each.metadata, declared, present.get(("StatefulSet", namespace), ()))
    ]
    for application in state.of(_APPLICATION_TYPE):
        try:
            findings += _unsynced(client, _identity(application.properties))
        except (ApiError, httpx2.HTTPError) as error:
            errors.append(f"application {application.id} cannot be read: {reason(error)}")
    return findings, errors


def _in_cluster(token: str) -> bool:
    return token.startswith("kubernetes:")


def _metadata(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    found = properties.get("metadata")
    return found if isinstance(found, Mapping) else {}


def _identity(properties: Mapping[str, Any]) -> tuple[str, str, str]:
    metadata = _metadata(properties)
    return str(properties.get("kind")), str(metadata.get("namespace", "")), str(metadata.get("name"))


def _custom_kinds(client: Client, errors: list[str]) -> list[type[GenericNamespacedResource]]:
    try:
        specs = [each["spec"] for each in client.list(_DEFINITION)]
    except (ApiError, httpx2.HTTPError) as error:
        errors.append(f"custom resource definitions cannot be listed: {reason(error)}")
        return []
    return [
        _kind(spec["group"], version["name"], spec["names"]["kind"], spec["names"]["plural"])
        for spec in specs
        if spec["scope"] == "Namespaced"
        for version in spec["versions"]
        if version["storage"]
    ]


def _finding(kind: str, metadata: ObjectMeta) -> Finding:
    managers = dict.fromkeys(str(entry.manager) for entry in metadata.managedFields or () if entry.manager)
    return Finding(
        cause=Cause.UNDECLARED,
        type=kind,
        name=str(metadata.name),
        where=f"namespace {metadata.namespace}",
        detail=f"written by {', '.join(managers)}" if managers else "",
    )


def _expected(kind: str, metadata: ObjectMeta, declared: Declared, sets: Iterable[Any]) -> bool:
    """Whether a program, Kubernetes itself, or what owns the object put it there."""
    return (
        (kind, metadata.namespace, metadata.name) in declared.objects
        or (kind, metadata.name) in _OF_KUBERNETES
        or bool(metadata.ownerReferences)
        or (kind == "PersistentVolumeClaim" and _of_set(metadata, sets))
        or _tracked(kind, metadata, declared)
    )


def _tracked(kind: str, metadata: ObjectMeta, declared: Declared) -> bool:
    """Whether an application of ours applied the object; a copy of one carries the annotation of the original."""
    application, _, rest = (metadata.annotations or {}).get(_TRACKING, "").partition(":")
    whose, _, what = rest.partition(":")
    name = application.rpartition("_")[2]  # with applications in several namespaces: <namespace>_<name>
    mine = what == f"{metadata.namespace}/{metadata.name}" and whose.rpartition("/")[2] == kind
    return mine and name in declared.applications


def _of_set(claim: ObjectMeta, sets: Iterable[Any]) -> bool:
    """Whether a StatefulSet made the volume claim: those have no owner, so that they outlive it."""
    return any(
        str(claim.name).startswith(f"{template['metadata']['name']}-{each.metadata.name}-")
        for each in sets
        for template in each.get("spec", {}).get("volumeClaimTemplates", ())
    )


def _unsynced(client: Client, identity: tuple[str, str, str]) -> Iterator[Finding]:
    _, namespace, name = identity
    try:
        application = client.get(APPLICATION, name, namespace=namespace)
    except ApiError as error:
        if error.status.code == 404:
            return  # the comparison with reality names it
        raise
    status: Mapping[str, Any] = dict(application).get("status") or {}
    if (status.get("operationState") or {}).get("phase") == "Running":
        return  # it is on its way
    for each in status.get("resources") or ():
        if each.get("status") == "OutOfSync":
            yield Finding(
                cause=Cause.UNSYNCED,
                type=str(each.get("kind")),
                name=str(each.get("name")),
                where=f"namespace {each['namespace']}" if each.get("namespace") else "",
                detail=f"argocd app sync {name}",
            )
