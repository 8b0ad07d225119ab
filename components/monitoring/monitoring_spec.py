"""What git says about an environment's monitoring. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum, unique
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr, model_validator

from components.argocd.source_spec import ChartSource
from components.kubernetes.quotas import computing
from components.naming import is_dns_label, is_web_url
from components.spec import DnsLabel, Network, Quantity, Refused, Slug, Spec, quantity_value, refusal, refuse_all, ruled

__all__ = [
    "AlertsSpec",
    "GitLabScrapeSpec",
    "GrafanaSpec",
    "MonitoringQuotaSpec",
    "MonitoringSpec",
    "ReceiverSpec",
    "ScrapeSpec",
    "Severity",
]

_DURATION: Final = re.compile(r"[1-9][0-9]*[hdwy]")


def _is_target(value: str) -> bool:
    host, colon, port = value.rpartition(":")
    return bool(colon) and all(map(is_dns_label, host.split("."))) and port.isdecimal() and 0 < int(port) < 65536


def _is_mail_address(value: str) -> bool:
    return re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) is not None


Duration = Annotated[
    str,
    ruled(
        lambda value: _DURATION.fullmatch(value) is not None,
        "a whole number and a unit: h, d, w or y",
        "write a time such as '15d'",
    ),
]
Target = Annotated[
    str,
    ruled(
        _is_target,
        "a host and a port, without scheme and path",
        "use a target such as 'argocd-metrics.argocd.svc:8082'",
    ),
]
MailAddress = Annotated[
    str, ruled(_is_mail_address, "an address of electronic mail", "use an address such as 'ops@example.org'")
]


def _checked_webhook(value: SecretStr) -> SecretStr:
    address = value.get_secret_value()
    if not address.startswith("https://") or not is_web_url(address):
        raise refusal(
            "an https address without user or password", "use an address such as 'https://chat.example.org/hooks/...'"
        )
    return value


WebHook = Annotated[SecretStr, AfterValidator(_checked_webhook)]


@unique
class Severity(StrEnum):
    """How soon somebody has to look."""

    CRITICAL = "critical"
    """Now: people cannot work."""
    WARNING = "warning"
    """Today."""


class GitLabScrapeSpec(Spec):
    """GitLab's own metrics, which a self-managed instance gives to the addresses on its allow list."""

    target: Target
    plain: bool = False
    """Whether it speaks HTTP instead of HTTPS."""


class ScrapeSpec(Spec):
    """What is looked at; an empty list leaves a system out."""

    interval_seconds: Annotated[int, Field(ge=5, le=300)] = 30
    argocd: tuple[Target, ...] = (
        "argocd-metrics.argocd.svc:8082",
        "argocd-server-metrics.argocd.svc:8083",
        "argocd-repo-server.argocd.svc:8084",
    )
    operator: tuple[Target, ...] = ("pulumi-kubernetes-operator-metrics.pulumi-operator.svc:8383",)
    kubernetes: bool = True
    """The API server and the kubelets."""
    gitlab: GitLabScrapeSpec | None = None


class ReceiverSpec(Spec):
    """Where alerts go: exactly one of both."""

    webhook: WebHook | None = None
    """An address that takes Alertmanager's messages; who knows it may post there."""
    mail: MailAddress | None = None

    @model_validator(mode="after")
    def _is_one_thing(self) -> ReceiverSpec:
        if (self.webhook is None) == (self.mail is None):
            raise refusal("a receiver is a webhook or a mail address, and not both", "keep one of webhook and mail")
        return self


class AlertsSpec(Spec):
    """Who is told of alerts."""

    receivers: dict[DnsLabel, ReceiverSpec] = Field(min_length=1)
    routes: dict[Severity, DnsLabel]
    """The receiver of each severity."""
    smarthost: Target | None = None
    """The mail server, with its port."""
    sender: MailAddress | None = None

    @model_validator(mode="after")
    def _agrees(self) -> AlertsSpec:
        refuse_all("AlertsSpec", self._contradictions())
        return self

    def _contradictions(self) -> Iterator[Refused]:
        astray = [severity for severity in Severity if self.routes.get(severity) not in self.receivers]
        for severity in astray:
            receiver = self.routes.get(severity)
            rule = f"alerts of each severity go to one of the receivers; {severity} goes to {receiver or 'nobody'}"
            remedy = f"set routes.{severity} to one of: {', '.join(sorted(self.receivers))}"
            yield ("routes", severity.value), receiver, refusal(rule, remedy)
        # A receiver may get nothing only because of a route that goes astray.
        for unused in () if astray else sorted(self.receivers.keys() - set(self.routes.values())):
            rule = f"every receiver gets something; {unused} gets nothing"
            yield ("receivers", unused), unused, refusal(rule, f"add a route to {unused}, or remove it")
        for name in ("smarthost", "sender"):
            if getattr(self, name) is None and any(each.mail for each in self.receivers.values()):
                yield (name,), None, refusal("mail takes a mail server and a sender", "set smarthost and sender")


class GrafanaSpec(Spec):
    """The chart's Grafana."""

    admin_password: Annotated[SecretStr, Field(min_length=12)]


class MonitoringQuotaSpec(Spec):
    """What all its pods get together."""

    cpu: Quantity = "2"
    memory: Quantity = "4Gi"
    storage: Quantity = "100Gi"
    pods: Annotated[int, Field(ge=1, le=100)] = 10

    def hard(self) -> Mapping[str, str]:
        """Return it as Kubernetes reads it."""
        return {**computing(self.cpu, self.memory, self.pods), "requests.storage": self.storage}


class MonitoringSpec(Spec):
    """An environment's monitoring: by default the platform's own Prometheus, with ``chart`` kube-prometheus-stack."""

    chart: ChartSource | None = None
    """The chart kube-prometheus-stack, from where a site has it."""
    namespace: DnsLabel | None = None
    """By default ``bighpc-<environment>-monitoring``."""
    retention: Duration = "15d"
    storage: Quantity | None = None
    """The volume that the measurements are kept on; without it they end with the pod."""
    storage_class: DnsLabel | None = None
    scrape: ScrapeSpec = ScrapeSpec()
    networks: tuple[Network, ...] = ()
    """Where what is scraped outside of the cluster's namespaces is; by default the ports alone are limited."""
    alerts: AlertsSpec | None = None
    dashboards: tuple[Slug, ...] | None = None
    """By default all that there are."""
    grafana: GrafanaSpec | None = None
    quota: MonitoringQuotaSpec = MonitoringQuotaSpec()

    @model_validator(mode="after")
    def _has_what_it_takes(self) -> MonitoringSpec:
        refuse_all("MonitoringSpec", self._contradictions())
        return self

    def _contradictions(self) -> Iterator[Refused]:
        for name in ("storage", "alerts", "grafana") if self.chart is None else ():
            if getattr(self, name) is not None:
                rule = (
                    f"{name} is of kube-prometheus-stack; the platform's own Prometheus has no Alertmanager, "
                    "no Grafana and no volume"
                )
                yield (name,), name, refusal(rule, f"add chart, or remove {name}")
        if self.storage and quantity_value(self.storage) > quantity_value(self.quota.storage):
            rule = f"the volume fits the quota; storage {self.storage} exceeds quota.storage {self.quota.storage}"
            yield ("storage",), self.storage, refusal(rule, "raise quota.storage or lower storage")
        if self.storage_class and not self.storage:
            rule = "storageClass says of which class the volume in storage is"
            yield ("storageClass",), self.storage_class, refusal(rule, "add storage, or remove storageClass")

    def namespace_in(self, environment: str) -> str:
        """Return the namespace in an environment."""
        return self.namespace or f"bighpc-{environment}-monitoring"
