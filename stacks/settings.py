"""What one stack is told: the only module that reads the engine's configuration.

Everything has a default here; a stack file holds what differs. GitLab's address and token come from the GitLab
provider's own settings, the cluster from the Kubernetes provider's own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import pulumi
from pydantic import Field, SecretStr

from components.argocd.installation_spec import ArgoCDSpec
from components.kubernetes.testbed import TestbedSpec
from components.naming import is_web_url
from components.operator.stack_spec import OperatorSpec
from components.spec import DnsLabel, Slug, Spec, Text, WebUrl
from components.vocabulary import GitLabTier
from components.workloads.queues import WorkloadsSpec
from stacks.documents import validate
from stacks.environments import Environment
from stacks.optional_settings import OptionalSettings
from stacks.problems import Collector, ConfigurationError, show

__all__ = [
    "NAMESPACE",
    "ArgoCDSettings",
    "ClusterConnection",
    "Configuration",
    "ForgeSettings",
    "GitLabConnection",
    "GitLabSettings",
    "GuardSettings",
    "KubernetesSettings",
    "MoveSettings",
    "RegistrySettings",
    "Settings",
    "StackSettings",
    "WebhookSettings",
    "load_settings",
    "parse_stack",
    "settings_of",
    "stack_file",
]

NAMESPACE: Final = "bighpc"
"""The namespace of the project's configuration keys: the project's name in ``Pulumi.yaml``."""

Seconds = Annotated[int, Field(ge=1, le=300)]


class ForgeSettings(Spec):
    """The forge exists once; one stack owns it and the others look it up."""

    owner: bool = False
    protect: bool = False
    """Whether groups and projects, which hold people's work, must not be deleted."""


class GitLabSettings(Spec):
    """Where the forge is inside GitLab."""

    group: Slug = "bighpc"
    tier: GitLabTier = GitLabTier.FREE
    timeout_seconds: Seconds = 10


class KubernetesSettings(Spec):
    """How patient the first look at the cluster is."""

    timeout_seconds: Seconds = 10


class RegistrySettings(Spec):
    """The container registry that clusters pull images from; by default the one of GitLab."""

    url: WebUrl | None = None


class WebhookSettings(Spec):
    """Where GitLab reports pushes to, and the secret by which Argo CD knows that it is GitLab."""

    url: WebUrl
    secret: Annotated[SecretStr, Field(min_length=8)]


class ArgoCDSettings(ArgoCDSpec):
    """Argo CD and its webhook; without a webhook it polls."""

    webhook: WebhookSettings | None = None


class MoveSettings(Spec):
    """The identities that the stack may move to; anything else is still refused."""

    cluster: Text | None = None
    gitlab: Text | None = None


class GuardSettings(Spec):
    """The guard that keeps a stack on the cluster and the GitLab that it was brought up on."""

    move_to: MoveSettings = MoveSettings()


class StackSettings(OptionalSettings):
    """What a stack file may hold, below ``bighpc:``."""

    forge: ForgeSettings = ForgeSettings()
    gitlab: GitLabSettings = GitLabSettings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    registry: RegistrySettings = RegistrySettings()
    testbed: TestbedSpec = TestbedSpec()
    argocd: ArgoCDSettings = ArgoCDSettings()
    operator: OperatorSpec = OperatorSpec()
    applications: tuple[DnsLabel, ...] | None = None
    """The applications to run; by default all that name this environment."""
    hook_tokens: dict[Text, SecretStr] = Field(default_factory=dict)
    """The secret token of each project hook, by ``<project>/<hook>``."""
    secrets: dict[Slug, SecretStr] = Field(default_factory=dict)
    """The secret values that CI/CD variables of the fleet name."""
    guard: GuardSettings = GuardSettings()
    workloads: WorkloadsSpec = WorkloadsSpec()


@dataclass(frozen=True, kw_only=True)
class GitLabConnection:
    """How to call GitLab."""

    url: str
    """The instance's address, without the path of its API."""
    token: SecretStr
    ca_file: str | None = None
    """The certificate authority that the instance's certificate is checked with, if not the system's."""


@dataclass(frozen=True, kw_only=True)
class ClusterConnection:
    """How to call the cluster, as the Kubernetes provider is told; empty means its defaults."""

    kubeconfig: str | None
    """A path or the content itself."""
    context: str | None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that one run is told."""

    environment: Environment
    stack_reference: str
    """The stack's full name, by which its own earlier outputs are found."""
    stack: StackSettings
    gitlab: GitLabConnection
    cluster: ClusterConnection


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A stack's configuration as the engine decrypts it."""

    stack: str
    organization: str
    project: str
    values: Mapping[str, str] = field(repr=False)
    """Values by full key, such as ``bighpc:forge``; objects as JSON."""
    secret: Container[str] = frozenset()
    """The keys whose values are encrypted in the stack file."""


def load_settings() -> Settings:
    """Read and check everything that this run of the program is told.

    Raises:
        ConfigurationError: with every problem found.
    """
    values: Mapping[str, str] = pulumi.runtime.get_config_env()
    return settings_of(
        Configuration(
            stack=pulumi.get_stack(),
            organization=pulumi.get_organization(),
            project=pulumi.get_project(),
            values=values,
            secret={key for key in values if pulumi.runtime.is_config_secret(key)},
        )
    )


def settings_of(configuration: Configuration) -> Settings:
    """Return the checked settings that a configuration and the environment make.

    Raises:
        ConfigurationError: with every problem found.
    """
    collector = Collector()
    values = configuration.values
    environment = _environment(configuration.stack, collector)
    own = {key.partition(":")[2]: key for key in values if key.startswith(f"{NAMESPACE}:")}
    raw = {name: _decoded(values[key]) for name, key in own.items()}
    masked = {name for name, key in own.items() if key in configuration.secret}
    stack = collector.attempt(parse_stack, raw, stack_file(configuration.stack), masked=masked)
    gitlab = _gitlab_connection(values, collector)
    if environment is None or stack is None or gitlab is None:
        raise ConfigurationError(collector.problems)
    return Settings(
        environment=environment,
        stack_reference=f"{configuration.organization}/{configuration.project}/{configuration.stack}",
        stack=stack,
        gitlab=gitlab,
        cluster=ClusterConnection(
            kubeconfig=values.get("kubernetes:kubeconfig"), context=values.get("kubernetes:context")
        ),
    )


def stack_file(stack: str) -> str:
    """Return the name of a stack's file."""
    return f"Pulumi.{stack}.yaml"


def parse_stack(raw: Mapping[str, Any], where: str, *, masked: Container[str] = ()) -> StackSettings:
    """Return the settings of a stack from the values below ``bighpc:``.

    Args:
        raw: the values by key, without the namespace.
        where: the file that they came from.
        masked: keys whose values are never shown.

    Raises:
        ConfigurationError: with every problem found.
    """
    return validate(StackSettings, _filled(raw), where, masked=masked)


def _decoded(text: str) -> Any:
    try:
        return json.loads(text or "null")
    except ValueError:
        return text


def _filled(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    """Fill in from the environment what differs from testbed to testbed: the webhook, the page, a run's variables."""
    argocd, operator = raw.get("argocd", {}), raw.get("operator", {})
    if not isinstance(argocd, dict) or not isinstance(operator, dict):
        return raw
    filled = dict(argocd)
    if url := os.environ.get("BIGHPC_ARGOCD_WEBHOOK_URL"):
        secret = os.environ.get("BIGHPC_ARGOCD_WEBHOOK_SECRET")
        filled.setdefault("webhook", {"url": url, **({"secret": secret} if secret else {})})
    if page := os.environ.get("BIGHPC_APPLICATIONS_URL"):
        filled.setdefault("applicationsUrl", page)
    if names := os.environ.get("BIGHPC_OPERATOR_VARIABLES"):
        operator = {"environment": names.split(","), **operator}
    return {**raw, "argocd": filled, "operator": operator}


def _environment(stack: str, collector: Collector) -> Environment | None:
    try:
        return Environment(stack)
    except ValueError:
        names = ", ".join(Environment)
        collector.refuse(
            "the stack's name",
            f"value {show(stack)}",
            f"a stack is named after its environment: {names}",
            "select one, for example with: pulumi stack select dev",
        )
        return None


def _gitlab_connection(values: Mapping[str, str], collector: Collector) -> GitLabConnection | None:
    url = values.get("gitlab:baseUrl") or os.environ.get("GITLAB_BASE_URL") or ""
    token = values.get("gitlab:token") or os.environ.get("GITLAB_TOKEN") or ""
    usable_url, usable_token = is_web_url(url), bool(token) and not any(map(str.isspace, token))
    if not usable_url:
        collector.refuse(
            "gitlab:baseUrl or GITLAB_BASE_URL",
            # Not shown when it may hold a password.
            "nothing is set" if not url else "(contains credentials)" if "@" in url else f"value {show(url)}",
            "the address of GitLab's API: http or https, without user or password",
            "pulumi config set gitlab:baseUrl https://gitlab.example.org/api/v4/, or export GITLAB_BASE_URL",
        )
    if not usable_token:
        collector.refuse(
            "gitlab:token or GITLAB_TOKEN",
            "(contains white space)" if token else "nothing is set",
            "a GitLab access token with the scope api",
            "pulumi config set --secret gitlab:token, or export GITLAB_TOKEN",
        )
    if not usable_url or not usable_token:
        return None
    address = url.rstrip("/").removesuffix("/api/v4")
    return GitLabConnection(url=address, token=SecretStr(token), ca_file=values.get("gitlab:cacertFile"))
