"""What git says about an environment's JupyterHub. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, SecretStr, model_validator

from components.argocd.source_spec import ChartSource
from components.kubernetes.exposure_spec import Image, IngressSpec, Port, VolumeSpec
from components.kubernetes.hardware_spec import ProfileName
from components.kubernetes.quotas import computing
from components.naming import is_project_path
from components.spec import DnsLabel, Quantity, Spec, Text, Username, WebUrl, quantity_value, refusal, ruled

__all__ = ["CullingSpec", "HubQuotaSpec", "JupyterHubSpec", "OAuthSpec", "ServerProfileSpec"]

GroupPath = Annotated[
    str,
    ruled(
        is_project_path,
        "the complete path of a group of GitLab: names as in addresses, with '/' between them",
        "use a path such as 'bighpc/research'",
    ),
]


class OAuthSpec(Spec):
    """How people sign in: as an application of GitLab, whose redirect address is ``<url>/hub/oauth_callback``."""

    client_id: Text
    client_secret: Annotated[SecretStr, Field(min_length=32)]
    """The hub's other secrets are made of it: whoever changes it ends all sessions."""
    gitlab_url: WebUrl | None = None
    """GitLab as pods reach it, where that is not the address that browsers use."""
    groups: tuple[GroupPath, ...] = ()
    """Members of these groups of GitLab may sign in, by complete path."""
    users: tuple[Username, ...] = ()
    """So may these."""
    admins: tuple[Username, ...] = ()
    """And these, who see and stop everybody's servers."""

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> OAuthSpec:
        if not (self.groups or self.users or self.admins):
            raise refusal("somebody may sign in; groups, users and admins are empty", "name a group or a user")
        return self


class ServerProfileSpec(Spec):
    """What a person may start: an image, and what a server of it gets."""

    title: Text
    """As people see it."""
    description: Text | None = None
    image: Image
    cores: Quantity = "1"
    memory: Quantity = "1Gi"
    hardware: ProfileName | None = None
    """A hardware profile of the stack's testbed; by default any node that takes everybody."""
    accelerators: int = Field(default=0, ge=0, le=64)
    """Of the profile's hardware."""

    @model_validator(mode="after")
    def _accelerators_are_on_hardware(self) -> ServerProfileSpec:
        if self.accelerators and self.hardware is None:
            raise refusal(
                f"accelerators are on nodes of a hardware profile; {self.accelerators} are asked for without one",
                "name the profile under hardware, or remove accelerators",
            )
        return self


class CullingSpec(Spec):
    """When a server is stopped that nobody uses."""

    idle_minutes: int = Field(default=60, ge=1, le=60 * 24 * 30)
    every_seconds: int = Field(default=300, ge=5, le=3600)
    """How often that is looked at."""
    longest_hours: int | None = Field(default=None, ge=1, le=24 * 365)
    """After which a server is stopped though it is used; by default never."""


class HubQuotaSpec(Spec):
    """What the hub, its proxy and all servers get together."""

    cpu: Quantity = "8"
    memory: Quantity = "16Gi"
    pods: int = Field(default=20, ge=3, le=10_000)
    storage: Quantity = "100Gi"

    def hard(self) -> Mapping[str, str]:
        """Return it as Kubernetes reads it."""
        return {**computing(self.cpu, self.memory, self.pods), "requests.storage": self.storage}


class JupyterHubSpec(Spec):
    """A hub: where it is, who signs in, and what they may start."""

    url: WebUrl
    """As browsers see it, without a path."""
    image: Image
    """With JupyterHub, KubeSpawner, OAuthenticator, the idle culler and the proxy."""
    namespace: DnsLabel | None = None
    """By default ``bighpc-<environment>-jupyterhub``."""
    oauth: OAuthSpec
    profiles: dict[DnsLabel, ServerProfileSpec] = Field(min_length=1)
    """By name; the page has them in the order of their names, as Pulumi's configuration keeps no other."""
    default: DnsLabel | None = None
    """The profile that is chosen already, and first on the page; else the first by name."""
    culling: CullingSpec = CullingSpec()
    homes: VolumeSpec | None = None
    """A volume for each person; without it what a server has written goes with it."""
    database: VolumeSpec | None = None
    """Where the hub remembers servers and sessions; without it they end with the hub's pod."""
    ingress: IngressSpec | None = None
    """Without it the service ``proxy-public`` is open to whoever reaches the cluster's network."""
    ports: tuple[Port, ...] = (443, 6443)
    """What the hub reaches outside of its namespace: GitLab, and the cluster's API."""
    server_ports: tuple[Port, ...] = ()
    """What people's servers reach outside: nothing, unless the site says so."""
    chart: ChartSource | None = None
    """The chart Zero to JupyterHub, from where a site has it; else the manifests of the environment repository."""
    start_seconds: int = Field(default=300, ge=30, le=3600)
    """How long a server may take to start, its image's download included."""
    quota: HubQuotaSpec = HubQuotaSpec()

    @model_validator(mode="after")
    def _is_at_the_root_of_its_host(self) -> JupyterHubSpec:
        if self.url.rstrip("/").count("/") > 2:
            raise refusal(f"the hub has a host of its own; {self.url} has a path", "remove the path")
        if self.ingress and not self.url.startswith("https://"):
            raise refusal(f"the ingress ends TLS; {self.url} has none", "write https://, or remove ingress")
        return self

    @model_validator(mode="after")
    def _its_default_is_a_profile(self) -> JupyterHubSpec:
        if self.default is not None and self.default not in self.profiles:
            raise refusal(
                f"default is one of the profiles {', '.join(sorted(self.profiles))}; it is {self.default}",
                "use one of them, or add it",
            )
        return self

    @model_validator(mode="after")
    def _one_server_fits_the_quota(self) -> JupyterHubSpec:
        for name, profile in self.profiles.items():
            for what, wanted, quota in (
                ("cores", profile.cores, self.quota.cpu),
                ("memory", profile.memory, self.quota.memory),
            ):
                if quantity_value(wanted) > quantity_value(quota):
                    raise refusal(
                        f"one server fits the quota; {what} {wanted} of profile {name} exceeds {quota}",
                        f"lower {what} of the profile, or raise the quota",
                    )
        titles = [profile.title for profile in self.profiles.values()]
        for title in titles:
            if titles.count(title) > 1:
                raise refusal(
                    f"people tell profiles apart by their titles; {title!r} is the title of two", "change one"
                )
        return self

    @property
    def offered(self) -> Mapping[str, ServerProfileSpec]:
        """The profiles as the page shows them; the first is chosen already."""
        first = self.default or min(self.profiles)
        return {name: self.profiles[name] for name in sorted(self.profiles, key=lambda each: (each != first, each))}

    @property
    def address(self) -> str:
        """The hub's address without a slash at its end."""
        return self.url.rstrip("/")

    @property
    def host(self) -> str:
        """The name of its host."""
        return self.address.partition("://")[2].partition(":")[0]

    def namespace_in(self, environment: str) -> str:
        """Return the namespace in an environment."""
        return self.namespace or f"bighpc-{environment}-jupyterhub"
