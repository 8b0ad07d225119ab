"""What git says about an agent's place in the cluster: who installs it, and what the jobs that use it may do. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Annotated, Final

from pydantic import Field, JsonValue, model_validator

from components.argocd.application_spec import ArgoApplicationSpec
from components.argocd.source_spec import ChartSource, merged_values
from components.invariants import Violation
from components.invariants.workloads import image_has_a_version
from components.kubernetes.rule_spec import RuleSpec, namespace_violations
from components.naming import is_web_url
from components.spec import DnsLabel, Network, RegistryPlace, Spec, refusal, ruled
from components.vocabulary import AGENT_ACCOUNT, AGENT_TOKEN_SECRET

__all__ = [
    "DEFAULT_RULES",
    "AgentClusterSpec",
    "AgentInstall",
    "ChartSpec",
    "agent_application",
    "rights_violations",
]


@unique
class AgentInstall(StrEnum):
    """Who runs the agent in the cluster."""

    EXTERNAL = "external"
    """The site or the testbed: it finds the token and the account that this program makes."""
    HELM = "helm"
    """Argo CD, from GitLab's chart or a mirror of it."""


_READ: Final = ("get", "list", "watch")
_WRITE: Final = (*_READ, "create", "update", "patch", "delete")

DEFAULT_RULES: Final = (
    RuleSpec(api_groups=("apps",), resources=("deployments",), verbs=_WRITE),
    RuleSpec(resources=("services", "configmaps"), verbs=_WRITE),
    RuleSpec(api_groups=("batch",), resources=("jobs",), verbs=_WRITE),
    # To see how a deployment goes, and why it does not.
    RuleSpec(api_groups=("apps",), resources=("replicasets",), verbs=_READ),
    RuleSpec(resources=("pods", "events"), verbs=_READ),
    RuleSpec(resources=("pods/log",), verbs=("get",)),
)
"""What the agent may do in the environment's namespace when git says nothing else: deploy, and look at the outcome."""

KasAddress = Annotated[
    str,
    ruled(
        lambda value: value.startswith(("wss://", "ws://")) and is_web_url(value.replace("ws", "http", 1)),
        "the address of GitLab's agent server, with the scheme wss",
        "use an address such as 'wss://kas.gitlab.com' or 'wss://gitlab.example.org/-/kubernetes-agent/'",
    ),
]


Tag = Annotated[
    str,
    ruled(
        lambda value: not list(image_has_a_version.find(f"image:{value}")),
        "a tag that means one image for ever; 'latest', 'stable' and names of branches move",
        "use a version such as 'v18.5.0'",
    ),
]


class ChartSpec(Spec):
    """GitLab's chart of the agent, from where a site has it."""

    source: ChartSource
    kas_address: KasAddress
    networks: tuple[Network, ...] = Field(min_length=1)
    """Where the agent server and the cluster's API are: the agent reaches nothing else."""
    image: RegistryPlace | None = None
    """A mirror of the agent's image, without tag."""
    tag: Tag | None = None
    """The image's version; by default the chart's."""


class AgentClusterSpec(Spec):
    """An agent's place in the cluster."""

    install: AgentInstall = AgentInstall.EXTERNAL
    namespace: DnsLabel | None = None
    """Of the agent alone, as whoever makes pods beside it could take its token; ``gitlab-agent-<name>`` by default."""
    rights: dict[DnsLabel, tuple[RuleSpec, ...]] = Field(default_factory=dict)
    """What it may do, by namespace. The environment's own has `DEFAULT_RULES` unless it is named here."""
    chart: ChartSpec | None = None

    @model_validator(mode="after")
    def _has_a_chart_to_install(self) -> AgentClusterSpec:
        if (self.install is AgentInstall.HELM) != (self.chart is not None):
            raise refusal("a chart goes with install: helm, and only with it", "add chart, or correct install")
        return self

    def rights_in(self, environment_namespace: str) -> dict[str, tuple[RuleSpec, ...]]:
        """Return everything that the agent may do, by namespace; one without rules is left out."""
        complete = {environment_namespace: DEFAULT_RULES, **self.rights}
        return {namespace: rules for namespace, rules in complete.items() if rules}


def rights_violations(rights: Mapping[str, tuple[RuleSpec, ...]]) -> list[Violation]:
    """Return what an agent must never be allowed, and is."""
    return [
        violation
        for namespace, rules in rights.items()
        for violation in namespace_violations("the agent", namespace, rules)
    ]


def agent_application(chart: ChartSpec, owner: str) -> ArgoApplicationSpec:
    """Return the application by which Argo CD runs the agent.

    It has our token, no rights of the chart's own, and makes nothing outside of its namespace.
    """
    named = (("repository", chart.image), ("tag", chart.tag))
    image: dict[str, JsonValue] = {key: value for key, value in named if value}
    values: dict[str, JsonValue] = {
        "config": {
            "kasAddress": chart.kas_address,
            "secretName": AGENT_TOKEN_SECRET,
            "operational_container_scanning": {"enabled": False},
        },
        "rbac": {"create": False},
        # The chart's pods take their account's token without asking, so the account is the chart's as well.
        "serviceAccount": {"create": True, "name": AGENT_ACCOUNT},
        "replicas": 1,
        **({"image": image} if image else {}),
    }
    source = chart.source.model_copy(update={"values": merged_values(values, chart.source.values)})
    return ArgoApplicationSpec(name=AGENT_ACCOUNT, owner=owner, source=source)
