"""A chart that this program installs itself: what has to be there before Argo CD can install anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import pulumi

__all__ = ["Chart", "install_chart"]

_OCI = "oci://"
_LIMIT = 600  # seconds until everything in it is ready


class Chart(Protocol):
    """Where a chart comes from: a repository, an OCI registry, or a path."""

    @property
    def repository(self) -> str | None:
        """A Helm repository, or the chart's address in an OCI registry."""

    @property
    def version(self) -> str | None:
        """Its exact version in the repository."""

    @property
    def path(self) -> str | None:
        """Where it is on disk."""


def install_chart(
    prefix: str,
    name: str,
    chart: Chart | None,
    *,
    namespace: str,
    values: Mapping[str, Any],
    options: pulumi.ResourceOptions,
) -> pulumi.ResourceOptions:
    """Install a chart, if there is one to install; returns the options of what needs it to be there.

    Args:
        prefix: what its resource's name begins with.
        name: of the release, and of the chart in a Helm repository.
        chart: where it comes from; without it nothing is installed.
        namespace: where it goes.
        values: its values.
        options: of the component's children.
    """
    if chart is None:
        return options
    # A third of a second of import time, for what one stack of a site does.
    from pulumi_kubernetes.helm.v3 import Release, RepositoryOptsArgs

    repository = chart.repository
    in_registry = repository if repository is not None and repository.startswith(_OCI) else None
    release = Release(
        f"{prefix}-release",
        name=name,
        chart=chart.path or in_registry or name,
        version=chart.version,
        repository_opts=RepositoryOptsArgs(repo=repository) if repository and not in_registry else None,
        namespace=namespace,
        create_namespace=True,
        atomic=True,
        timeout=_LIMIT,
        values=values,
        opts=options,
    )
    return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=[release]))
