"""What git says about Argo CD: who installs it, from which chart, and how it is configured."""

from __future__ import annotations

import re
from enum import StrEnum, unique
from typing import Annotated, Any, ClassVar, Final, Literal
from zoneinfo import available_timezones

from pydantic import Field, model_validator

from components.argocd.source_spec import InstalledChartSpec
from components.spec import Cron, DnsLabel, Quantity, Spec, Text, WebUrl, refusal, ruled
from components.vocabulary import IN_CLUSTER

__all__ = [
    "CHART",
    "ArgoCDSpec",
    "ChartSpec",
    "ConfigurationSpec",
    "Installation",
    "SecretReference",
    "SignOnSpec",
    "TeamSpec",
    "WindowSpec",
]

CHART: Final = "argo-cd"
"""The chart's name, which policies know too."""

_DURATION: Final = re.compile(r"([1-9][0-9]*h)?([1-9][0-9]*m)?")
_LOCAL: Final = re.compile(rf"(\.{{0,2}}/)?([\w.-]+/)*{CHART}(-\d[\w.+-]*\.tgz)?/?")

Duration = Annotated[
    str,
    ruled(
        lambda value: bool(value) and _DURATION.fullmatch(value) is not None,
        "hours and minutes, as in '2h', '30m' or '1h30m'",
        "write a duration such as '2h'",
    ),
]
GroupPath = Annotated[
    str,
    ruled(
        lambda value: re.fullmatch(r"[\w.-]+(/[\w.-]+)*", value) is not None,
        "the full path of a GitLab group",
        "use a path such as 'bighpc/operators'",
    ),
]
LocalChart = Annotated[
    str,
    ruled(
        lambda value: _LOCAL.fullmatch(value) is not None,
        f"a directory {CHART}, or an archive {CHART}-<version>.tgz, of a mirror on disk",
        f"use a path such as '/srv/charts/{CHART}-10.1.1.tgz'",
    ),
]


@unique
class Installation(StrEnum):
    """Who installs Argo CD."""

    EXTERNAL = "external"
    """The site or the testbed: it is there before this program runs."""
    HELM = "helm"
    """This program, from the chart. One stack of those that share a cluster does it."""


class ChartSpec(InstalledChartSpec):
    """Argo CD's chart: from a repository or an OCI mirror, at an exact version, or from a mirror on disk."""

    example: ClassVar[str] = "10.1.1"

    path: LocalChart | None = None
    high_availability: bool = False
    controller_memory: Quantity = "2Gi"
    """What the application controller may use; it grows with the number of objects."""


SecretKey = Annotated[
    str,
    ruled(
        lambda value: re.fullmatch(r"[\w.-]{1,253}", value, re.ASCII) is not None,
        "a key of a Kubernetes secret: letters, digits, '.', '_' and '-'",
        "use a key such as 'clientSecret'",
    ),
]
TimeZone = Annotated[
    str,
    ruled(
        # A machine without a table of them takes every one.
        lambda value: value in (available_timezones() or {value}),
        "a time zone of the IANA database",
        "use a name such as 'Europe/Zurich' or 'UTC'",
    ),
]


class SecretReference(Spec):
    """Where a secret is in Argo CD's namespace. The program never sees what is in it."""

    name: DnsLabel
    """The Kubernetes secret; it has the label ``app.kubernetes.io/part-of: argocd``."""
    key: SecretKey

    @property
    def text(self) -> str:
        """The reference as Argo CD's settings have it."""
        return f"${self.name}:{self.key}"


class SignOnSpec(Spec):
    """People sign in to Argo CD with their GitLab accounts, by OpenID Connect."""

    client_id: Text
    """Of the application in GitLab: confidential, with the scopes openid, profile and email."""
    client_secret: SecretReference


class TeamSpec(Spec):
    """What a team may do with the applications of some environments."""

    groups: Annotated[tuple[GroupPath, ...], Field(min_length=1)]
    """The GitLab groups whose members are in the team."""
    environments: Annotated[tuple[DnsLabel, ...], Field(min_length=1)]
    actions: Annotated[tuple[Literal["get", "sync"], ...], Field(min_length=1)] = ("get", "sync")
    logs: bool = True


class ConfigurationSpec(Spec):
    """What this program sets in Argo CD's own settings; every other key stays the installation's."""

    url: WebUrl | None = None
    """Where people reach Argo CD; signing in needs it."""
    sign_on: SignOnSpec | None = None
    default_role: Literal["", "role:readonly"] | None = None
    """What everybody may do who signs in; by default what the installation says."""
    administrators: tuple[GroupPath, ...] = ()
    """The GitLab groups whose members may do everything."""
    teams: dict[DnsLabel, TeamSpec] = Field(default_factory=dict)
    stack_health: bool = True
    """Whether the operator's Stack objects have a health, which Argo CD itself knows from version 3.6 on."""
    commit_statuses: bool = True
    """Whether the notifications that set GitLab commit statuses are configured."""

    @model_validator(mode="after")
    def _signs_on_somewhere(self) -> ConfigurationSpec:
        if self.sign_on is not None and self.url is None:
            raise refusal("GitLab sends people back to Argo CD's address", "set url")
        return self


class WindowSpec(Spec):
    """A time in which applications sync, or do not."""

    kind: Literal["allow", "deny"]
    schedule: Cron
    """When it begins."""
    duration: Duration
    applications: Annotated[tuple[Text, ...], Field(min_length=1)] = ("*",)
    """Names of Applications; ``*`` stands for any text."""
    manual_sync: bool = False
    """Whether people may sync by hand outside of it."""
    time_zone: TimeZone = "UTC"

    def as_argocd(self) -> dict[str, Any]:
        """Return it as Argo CD reads it."""
        return self.model_dump(mode="json", by_alias=True)


class ArgoCDSpec(Spec):
    """What git says about Argo CD."""

    install: Installation = Installation.EXTERNAL
    chart: ChartSpec | None = None
    namespace: DnsLabel = "argocd"
    server: WebUrl = IN_CLUSTER
    """The cluster to deploy to, as Argo CD names it."""
    configuration: ConfigurationSpec | None = None
    """Argo CD's settings, which one stack of those that share it sets."""
    windows: tuple[WindowSpec, ...] = ()
    """When the environment's applications sync; without any: always."""
    commit_statuses: bool = True
    """Whether commits of the environment get a status of what became of them; see ``configuration``."""
    applications_url: WebUrl | None = None
    """Where applications can be looked at: ``bighpc applications serve``, or Argo CD itself."""

    @model_validator(mode="after")
    def _has_its_chart(self) -> ArgoCDSpec:
        if self.install is Installation.HELM and self.chart is None:
            raise refusal("install: helm names the chart", "set chart, with repository and version or with path")
        if self.install is Installation.EXTERNAL and self.chart is not None:
            raise refusal("an Argo CD that is there already takes no chart", "set install: helm, or leave out chart")
        return self
