"""What git says about an application."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum, unique
from typing import Annotated, Any, Final

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
from components.spec import ApiGroup, DnsLabel, Refused, RelativePath, Spec, Text, refusal, refuse_all, ruled

__all__ = ["ArgoApplicationSpec", "IgnoreRule", "RetrySpec", "SyncOption", "application_violations"]

_LONGEST_RELEASE: Final = 53

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

    @model_validator(mode="after")
    def _waits_longer_and_longer(self) -> RetrySpec:
        if self.first_seconds > self.longest_seconds:
            raise refusal(
                f"the first wait is at most the longest; {self.first_seconds} s is more than {self.longest_seconds} s",
                "lower firstSeconds, or raise longestSeconds",
            )
        return self


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

    group: ApiGroup = ""
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
        refuse_all("ArgoApplicationSpec", self._contradictions())
        return self

    def _contradictions(self) -> Iterator[Refused]:
        source = self.manifests
        is_chart = isinstance(source, HelmSource | OciSource)
        if self.path is not None and self.source is not None:
            yield ("path",), self.path, refusal("path and source both say where the manifests are", "move it to source")
        if is_chart and len(self.name) > _LONGEST_RELEASE:
            rule = f"a chart's release is named after the application, and Helm takes {_LONGEST_RELEASE} characters"
            yield ("name",), self.name, refusal(rule, f"use a name that is {len(self.name) - _LONGEST_RELEASE} shorter")
        if {SyncOption.PRUNE_IN_FOREGROUND, SyncOption.PRUNE_IN_BACKGROUND} <= {*self.sync_options}:
            rule = "what is no longer in git goes in the foreground or in the background, not both"
            remedy = f"leave out {SyncOption.PRUNE_IN_FOREGROUND} or {SyncOption.PRUNE_IN_BACKGROUND}"
            yield ("syncOptions",), list(map(str, self.sync_options)), refusal(rule, remedy)
        for environment, parameters in self.parameters.items():
            shown = parameters.model_dump(mode="json", by_alias=True, exclude_defaults=True)
            if (parameters.values or parameters.version) and not is_chart:
                rule = f"values and version are a chart's; the source is of type {source.type}"
                remedy = "change the manifests of the environment, or make the source a chart"
                yield ("parameters", environment), shown, refusal(rule, remedy)
            overlays = [each for each in ("images", "components", "annotations") if getattr(parameters, each)]
            if overlays and not isinstance(source, KustomizeSource):
                rule = f"{' and '.join(overlays)} are a Kustomize overlay's; the source is of type {source.type}"
                remedy = "say it in the chart's values or in the manifests"
                yield ("parameters", environment), shown, refusal(rule, remedy)

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
