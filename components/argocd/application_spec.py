"""What git says about an application."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, unique
from typing import Annotated, Any

from pydantic import Field, model_validator

from components.argocd.source_spec import (
    EnvironmentParameters,
    HelmSource,
    KustomizeSource,
    OciSource,
    Source,
    source_of,
)
from components.invariants import Violation
from components.invariants.delivery import application_heals_itself
from components.spec import DnsLabel, RelativePath, Spec, Text, refusal, ruled

__all__ = ["ArgoApplicationSpec", "IgnoreRule", "RetrySpec", "SyncOption", "application_violations"]

JsonPointer = Annotated[
    str,
    ruled(
        lambda value: value.startswith("/") and "//" not in value and not value.endswith("/"),
        "a JSON pointer (RFC 6901)",
        "write a pointer such as '/spec/replicas'",
    ),
]


class RetrySpec(Spec):
    """How often, and how far apart, a failed sync is tried again."""

    limit: int = Field(default=5, ge=0, le=100)
    first_seconds: int = Field(default=5, ge=1)
    longest_seconds: int = Field(default=180, ge=1)


@unique
class SyncOption(StrEnum):
    """Argo CD's options of a sync that an application may choose; those that skip checks are not among them."""

    APPLY_OUT_OF_SYNC_ONLY = "ApplyOutOfSyncOnly=true"
    RESPECT_IGNORE_DIFFERENCES = "RespectIgnoreDifferences=true"
    FAIL_ON_SHARED_RESOURCE = "FailOnSharedResource=true"
    SKIP_DRY_RUN_ON_MISSING_RESOURCE = "SkipDryRunOnMissingResource=true"
    PRUNE_IN_FOREGROUND = "PrunePropagationPolicy=foreground"
    PRUNE_IN_BACKGROUND = "PrunePropagationPolicy=background"


class IgnoreRule(Spec):
    """Fields that somebody else sets, such as an autoscaler: a difference in them is none."""

    group: str = ""
    kind: Text
    name: DnsLabel | None = None
    """One object; by default all of the kind."""
    json_pointers: tuple[JsonPointer, ...] = ()
    jq_path_expressions: tuple[Text, ...] = ()
    managed_fields_managers: tuple[Text, ...] = ()
    """The field managers whose fields are theirs."""

    @model_validator(mode="after")
    def _ignores_something(self) -> IgnoreRule:
        if not self.json_pointers and not self.jq_path_expressions and not self.managed_fields_managers:
            raise refusal(
                "a rule names the fields that it ignores, not a whole kind",
                "add jsonPointers, jqPathExpressions or managedFieldsManagers",
            )
        return self

    def as_argocd(self) -> dict[str, Any]:
        """Return it as Argo CD reads it."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class ArgoApplicationSpec(Spec):
    """What git says about an application."""

    name: DnsLabel
    owner: DnsLabel = "platform"
    path: RelativePath | None = None
    """Where its Kustomize overlay is; by default ``applications/<name>/overlays/<environment>``."""
    source: Source | None = None
    """Where its manifests are when they are no Kustomize overlay at ``path``."""
    parameters: dict[DnsLabel, EnvironmentParameters] = Field(default_factory=dict)
    """What differs, by environment."""
    prune: bool = True
    self_heal: bool = True
    retry: RetrySpec = RetrySpec()
    sync_options: tuple[SyncOption, ...] = ()
    ignore: tuple[IgnoreRule, ...] = ()

    @model_validator(mode="after")
    def _agrees(self) -> ArgoApplicationSpec:
        if self.path is not None and self.source is not None:
            raise refusal("path and source both say where the manifests are", "move path into source")
        source = self.manifests
        for environment, parameters in self.parameters.items():
            if (parameters.values or parameters.version) and not isinstance(source, HelmSource | OciSource):
                raise refusal(
                    f"values and version are a chart's; the source is a {source.type} (parameters.{environment})",
                    "change the manifests of the environment, or make the source a chart",
                )
            overlays = [each for each in ("images", "components", "annotations") if getattr(parameters, each)]
            if overlays and not isinstance(source, KustomizeSource):
                raise refusal(
                    f"{' and '.join(overlays)} are a Kustomize overlay's; the source is of type {source.type} "
                    f"(parameters.{environment})",
                    "say it in the chart's values or in the manifests",
                )
        return self

    @property
    def manifests(self) -> Source:
        """Its source, which is a Kustomize overlay unless it says otherwise."""
        return self.source or KustomizeSource(path=self.path)

    @property
    def chart_repository(self) -> str | None:
        """The address that its chart comes from, if it is one."""
        return self.source.repository if isinstance(self.source, HelmSource | OciSource) else None

    def source_in(self, environment: str, branch: str) -> dict[str, Any]:
        """Return its source in an environment as Argo CD reads it; in git without the repository's address."""
        parameters = self.parameters.get(environment, EnvironmentParameters())
        return source_of(self.manifests, parameters, name=self.name, environment=environment, branch=branch)

    def sync_policy(self) -> dict[str, Any]:
        """Return how it is kept in sync as Argo CD reads it."""
        return {
            "automated": {"prune": self.prune, "selfHeal": self.self_heal},
            "syncOptions": ["ServerSideApply=true", "PruneLast=true", *map(str, self.sync_options)],
            "retry": {
                "limit": self.retry.limit,
                "backoff": {
                    "duration": f"{self.retry.first_seconds}s",
                    "factor": 2,
                    "maxDuration": f"{self.retry.longest_seconds}s",
                },
            },
        }

    def differences(self) -> Mapping[str, Any]:
        """Return the differences that are none, as a part of the Application."""
        return {"ignoreDifferences": [rule.as_argocd() for rule in self.ignore]} if self.ignore else {}


def application_violations(spec: ArgoApplicationSpec) -> list[Violation]:
    """Return what in an application's data must never be deployed."""
    return application_heals_itself(f"Application {spec.name}", {"syncPolicy": spec.sync_policy()})
