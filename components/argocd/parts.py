"""What an environment's access to Argo CD and a set of applications both have: a project and a credential."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_gitlab as gitlab
import pulumi_kubernetes.core.v1 as core
import pulumi_kubernetes.meta.v1 as meta
from pulumi_kubernetes.apiextensions import CustomResource

from components.invariants import app_project_is_exact, require
from components.invariants.delivery import source_has_no_credentials
from components.labels import object_labels

__all__ = [
    "Place",
    "create_credential",
    "create_project",
    "create_service_project",
    "name_of",
    "service_secret",
]

_LIMITS: Final = [
    {"group": "", "kind": "ResourceQuota"},
    {"group": "", "kind": "LimitRange"},
    {"group": "networking.k8s.io", "kind": "NetworkPolicy"},
]
"""The limits that an application lives in are not the application's to change."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where objects for Argo CD go, and whose they are."""

    prefix: str
    """The component's name, which its children's names begin with."""
    namespace: str
    """Argo CD's."""
    environment: str
    """The environment of the stack."""
    owner: str
    options: pulumi.ResourceOptions

    def metadata(self, name: str, part: str, extra: Mapping[str, str] | None = None) -> meta.ObjectMetaArgs:
        """Return the metadata of an object of that name, which is that part of the delivery."""
        labels = object_labels(name=part, component="delivery", environment=self.environment, owner=self.owner)
        return meta.ObjectMetaArgs(name=name, namespace=self.namespace, labels={**labels, **(extra or {})})


def name_of(made: CustomResource) -> pulumi.Output[str]:
    """Return an object's name, known once it is there; a preview knows it, other than its id."""
    fields: Any = made  # what a custom resource has is known by its kind alone
    name: pulumi.Output[str] = fields.metadata["name"]
    return name


def create_project(
    place: Place,
    name: str,
    *,
    description: str,
    repository_url: pulumi.Input[str],
    chart_repositories: Sequence[str],
    destinations: Sequence[Mapping[str, str]],
    windows: Sequence[Mapping[str, Any]] = (),
) -> CustomResource:
    """Make an AppProject that admits exactly these sources and destinations, and nothing outside of namespaces.

    Args:
        place: where it goes.
        name: its name in Argo CD.
        description: what it is for.
        repository_url: where git finds the manifests.
        chart_repositories: where charts come from.
        destinations: server and namespace of each.
        windows: when its applications sync, as Argo CD reads it.
    """
    subject = f"AppProject {name}"
    require(app_project_is_exact(subject, [], destinations))
    spec = {
        "description": description,
        "sourceRepos": pulumi.Output.from_input(repository_url).apply(
            lambda address: _exact_sources(subject, [address, *sorted(set(chart_repositories))])
        ),
        "destinations": list(destinations),
        "clusterResourceWhitelist": [],
        "namespaceResourceBlacklist": _LIMITS,
    }
    return CustomResource(
        f"{place.prefix}-project",
        api_version="argoproj.io/v1alpha1",
        kind="AppProject",
        metadata=place.metadata(name, "project"),
        spec={**spec, "syncWindows": list(windows)} if windows else spec,
        opts=place.options,
    )


def _exact_sources(subject: str, sources: list[str]) -> list[str]:
    require(
        app_project_is_exact(subject, sources, []),
        *(source_has_no_credentials(subject, {"repoURL": source}) for source in sources),
    )
    return sources


def create_credential(
    place: Place,
    *,
    project: str,
    user: str,
    secret: str,
    repository_id: pulumi.Input[str],
    repository_url: pulumi.Input[str],
) -> core.Secret:
    """Make a deploy token that reads the repository, and tell it to Argo CD for one of its projects alone.

    Args:
        place: where the secret goes.
        project: the AppProject whose applications use it.
        user: the token's name and user.
        secret: the secret's name.
        repository_id: the GitLab project's number.
        repository_url: where git finds it over HTTP.
    """
    token = gitlab.ProjectDeployToken(
        f"{place.prefix}-reader",
        project=repository_id,
        name=user,
        username=user,
        scopes=["read_repository"],
        opts=place.options,
    )
    return core.Secret(
        f"{place.prefix}-repository",
        metadata=place.metadata(secret, "repository", {"argocd.argoproj.io/secret-type": "repository"}),
        string_data={
            "type": "git",
            "url": repository_url,
            # Several projects share one Argo CD and one repository, each with a credential of its own.
            "project": project,
            "username": user,
            "password": token.token,
        },
        opts=place.options,
    )


def create_service_project(
    place: Place,
    service: str,
    *,
    description: str,
    destination: Mapping[str, str],
    source: pulumi.Input[str],
    repository_id: pulumi.Input[str] | None = None,
) -> pulumi.Output[str]:
    """Make the AppProject of one service of an environment; returns its name, known once it is there.

    Args:
        place: where it goes.
        service: the service's name, which is part of the project's and the credential's.
        description: what it is for.
        destination: server and namespace.
        source: the one repository that it is delivered from.
        repository_id: the GitLab project of that repository, which Argo CD then gets a credential for.
    """
    name = f"bighpc-{place.environment}-{service}"
    project = create_project(
        place,
        name,
        description=description,
        repository_url=source,
        chart_repositories=(),
        destinations=[destination],
    )
    if repository_id is not None:
        create_credential(
            place,
            project=name,
            user=f"argocd-{place.environment}-{service}",
            secret=service_secret(service, place.environment),
            repository_id=repository_id,
            repository_url=source,
        )
    return name_of(project)


def service_secret(service: str, environment: str) -> str:
    """Return the name of the secret by which Argo CD reads a service's repository."""
    return f"repository-{service}-{environment}"
