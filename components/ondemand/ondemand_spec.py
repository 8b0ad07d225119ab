"""What git says about an environment's Open OnDemand portal. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import Field, SecretStr, model_validator

from components.kubernetes.exposure_spec import Host, Image, IngressSpec, Port, VolumeSpec
from components.kubernetes.quotas import computing
from components.naming import is_dns_label, is_web_url
from components.spec import DnsLabel, Quantity, Spec, Text, refusal, ruled

__all__ = [
    "ClusterSpec",
    "KubernetesClusterSpec",
    "OidcSpec",
    "OnDemandQuotaSpec",
    "OpenOnDemandSpec",
    "SlurmClusterSpec",
]

_APP: Final = re.compile(r"[a-z][a-z0-9_]*(-[a-z0-9_]+)*")
_CLUSTER: Final = re.compile(r"[a-z][a-z0-9_]*")


def _is_absolute(value: str) -> bool:
    return value.startswith("/") and all(part not in {"", ".", ".."} for part in value[1:].split("/"))


AbsolutePath = Annotated[
    str,
    ruled(_is_absolute, "an absolute path without '.', '..' and a '/' at its end", "use a path such as '/usr/bin'"),
]
ApiServer = Annotated[
    str,
    ruled(
        lambda value: value.startswith("https://") and is_web_url(value),
        "the https address of a cluster's API, without user or password",
        "use an address such as 'https://cluster.example.org:6443'",
    ),
]
App = Annotated[
    str,
    ruled(
        lambda value: _APP.fullmatch(value) is not None,
        "the name of an application's directory below /var/www/ood/apps/sys",
        "use a name such as 'bc_desktop' or 'jupyter'",
    ),
]
ClusterName = Annotated[
    str,
    ruled(
        lambda value: _CLUSTER.fullmatch(value) is not None,
        "a letter, then lower-case letters, digits and '_': the portal knows the cluster by it, as a file's name",
        "use a name such as 'kestrel'",
    ),
]
NamespacePrefix = Annotated[
    str,
    ruled(
        lambda value: value.endswith("-") and is_dns_label(value[:-1]) and len(value) <= 30,
        "at most 30 lower-case letters, digits and inner hyphens, with a '-' at the end",
        "use a prefix such as 'user-'",
    ),
]


class OidcSpec(Spec):
    """How people sign in: as an application of GitLab, whose redirect address is ``https://<host>/oidc``."""

    client_id: Text
    client_secret: Annotated[SecretStr, Field(min_length=8)]
    user_claim: Literal["preferred_username", "nickname", "email"] = "preferred_username"
    """What of GitLab's answer is the user's name on the clusters."""


class _AnyClusterSpec(Spec):
    """What all clusters have."""

    title: Text
    """As people see it."""


class KubernetesClusterSpec(_AnyClusterSpec):
    """A Kubernetes cluster, on which each user has a namespace."""

    adapter: Literal["kubernetes"]
    server: ApiServer
    certificate_authority: AbsolutePath | None = None
    """The file with the authority of its certificate, in the portal's image."""
    context: DnsLabel | None = None
    """The context of users' kubeconfig; by default the cluster's name."""
    namespace_prefix: NamespacePrefix = "user-"
    """Before the user's name it makes the user's namespace."""
    auth: Literal["managed", "oidc"] = "oidc"
    """``oidc``: the token of the sign-in; ``managed``: whatever is in the user's kubeconfig."""
    bin: AbsolutePath = "/usr/bin/kubectl"


class SlurmClusterSpec(_AnyClusterSpec):
    """A cluster with Slurm."""

    adapter: Literal["slurm"]
    cluster: ClusterName | None = None
    """Slurm's name of it, where one configuration serves several clusters."""
    bin: AbsolutePath = "/usr/bin"
    """Where Slurm's commands are."""
    conf: AbsolutePath = "/etc/slurm/slurm.conf"
    submit_host: Host | None = None
    """Where commands run, over SSH; by default in the portal itself."""
    login_host: Host | None = None
    """Where the portal's shell goes; without it the portal offers none."""


ClusterSpec = Annotated[KubernetesClusterSpec | SlurmClusterSpec, Field(discriminator="adapter")]


class OnDemandQuotaSpec(Spec):
    """What the portal's pods get together."""

    cpu: Quantity = "4"
    memory: Quantity = "8Gi"
    pods: Annotated[int, Field(ge=1, le=20)] = 2

    def hard(self, storage: str) -> Mapping[str, str]:
        """Return it as Kubernetes reads it."""
        return {**computing(self.cpu, self.memory, self.pods), "requests.storage": storage}


class OpenOnDemandSpec(Spec):
    """A portal: where it is, who signs in, and which clusters it opens."""

    host: Host
    image: Image
    """There is none that upstream recommends for production: a site's own, or a mirror of it."""
    title: Text = "Open OnDemand"
    namespace: DnsLabel | None = None
    """By default ``bighpc-<environment>-ondemand``."""
    oidc: OidcSpec
    clusters: dict[ClusterName, ClusterSpec] = Field(min_length=1)
    apps: tuple[App, ...] = ()
    """The interactive applications that the portal's first page shows, in this order."""
    ingress: IngressSpec
    homes: VolumeSpec
    """With people's home directories, which the clusters have as well."""
    ports: tuple[Port, ...] = (22, 443, 6443, 6817, 6819)
    """What it may reach outside: SSH, GitLab, Kubernetes' API and Slurm's daemons, unless the site says otherwise."""
    quota: OnDemandQuotaSpec = OnDemandQuotaSpec()

    @model_validator(mode="after")
    def _agrees(self) -> OpenOnDemandSpec:
        if len(set(self.apps)) != len(self.apps):
            twice = next(app for app in self.apps if self.apps.count(app) > 1)
            raise refusal(f"each application is shown once; {twice} is named twice", f"remove one {twice}")
        titles = [cluster.title for cluster in self.clusters.values()]
        if len(set(titles)) != len(titles):
            twice = next(title for title in titles if titles.count(title) > 1)
            raise refusal(
                f"people tell clusters apart by their titles; {twice!r} is the title of two", "change one of the titles"
            )
        if not self.ports:
            raise refusal("the portal reaches GitLab and at least one cluster", "name the ports, or remove the key")
        return self

    def namespace_in(self, environment: str) -> str:
        """Return the namespace in an environment."""
        return self.namespace or f"bighpc-{environment}-ondemand"
