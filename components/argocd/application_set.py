"""One application in several environments of a cluster, made by Argo CD's ApplicationSet controller.

For what is the same everywhere. Every environment's Application belongs to one AppProject of the set's own, whose
sources and destinations are exact: whoever may fill the generator does not choose the limits.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource

from components.argocd.application_spec import ArgoApplicationSpec, application_violations
from components.argocd.notifications import subscriptions
from components.argocd.parts import Place, create_credential, create_project, name_of
from components.invariants import require
from components.invariants.delivery import (
    application_spares_system_namespaces,
    application_tracks_its_environment,
    applications_share_a_fixed_project,
)
from components.labels import object_labels

__all__ = ["ArgoApplicationSet", "ArgoApplicationSetArgs", "PlacementArgs"]


@dataclass(frozen=True, kw_only=True)
class PlacementArgs:
    """Where the application runs in one environment."""

    branch: str
    namespace: str


@dataclass(frozen=True, kw_only=True)
class ArgoApplicationSetArgs:
    """The application's data, its environments, and where it comes from."""

    spec: ArgoApplicationSpec
    placements: Mapping[str, PlacementArgs]
    """By environment."""
    server: str
    """The cluster that all of them are in, as Argo CD names it."""
    argocd_namespace: str
    environment: str
    """The environment of the stack that declares the set."""
    repository_id: pulumi.Input[str]
    """The GitLab project of the manifests, by number."""
    repository_url: pulumi.Input[str]
    """Where git finds them over HTTP."""
    commit_statuses: bool = True
    """Whether commits get a status of what became of them."""


class ArgoApplicationSet(pulumi.ComponentResource):
    """An ApplicationSet over a list of environments, with an AppProject and a credential of its own."""

    name: pulumi.Output[str]
    """The ApplicationSet's name; known once it is there."""

    def __init__(self, name: str, args: ArgoApplicationSetArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("bighpc:argocd:ApplicationSet", name, None, opts)
        self._args = args
        self._spec = args.spec
        self._project_name = f"bighpc-set-{args.spec.name}"
        self._place = Place(
            prefix=name,
            namespace=args.argocd_namespace,
            environment=args.environment,
            owner=args.spec.owner,
            options=pulumi.ResourceOptions(parent=self),
        )
        self._sources = {each: args.spec.source_in(each, to.branch) for each, to in args.placements.items()}
        self._check()

        project = self._create_project()
        credential = self._create_credential()
        made = self._create_set(
            pulumi.Output.all(name_of(project), credential.metadata.name).apply(lambda _: self._project_name)
        )

        self.name = made.id.apply(lambda _: args.spec.name)
        self.register_outputs({"name": self.name})

    def _check(self) -> None:
        findings = [application_violations(self._spec)]
        for environment, placement in self._args.placements.items():
            subject = f"Application {self._spec.name}-{environment}"
            destination = {"destination": {"namespace": placement.namespace}}
            findings.append(application_tracks_its_environment(subject, self._sources[environment], environment))
            findings.append(application_spares_system_namespaces(subject, destination))
        template = {"template": {"spec": {"project": self._project_name}}}
        findings.append(applications_share_a_fixed_project(f"ApplicationSet {self._spec.name}", template))
        require(*findings)

    def _create_project(self) -> CustomResource:
        charts = [self._spec.chart_repository] if self._spec.chart_repository else []
        return create_project(
            self._place,
            self._project_name,
            description=f"{self._spec.name} in {', '.join(self._args.placements)}.",
            repository_url=self._args.repository_url,
            chart_repositories=charts,
            destinations=[
                {"server": self._args.server, "namespace": each.namespace} for each in self._args.placements.values()
            ],
        )

    def _create_credential(self) -> Any:
        return create_credential(
            self._place,
            project=self._project_name,
            user=f"argocd-set-{self._spec.name}",
            secret=f"repository-set-{self._spec.name}",
            repository_id=self._args.repository_id,
            repository_url=self._args.repository_url,
        )

    def _create_set(self, project: pulumi.Output[str]) -> CustomResource:
        spec = self._spec
        return CustomResource(
            f"{self._place.prefix}-applicationset",
            api_version="argoproj.io/v1alpha1",
            kind="ApplicationSet",
            metadata=self._place.metadata(spec.name, "application-set"),
            spec={
                "goTemplate": True,
                # A parameter that is missing is an error, not an empty text.
                "goTemplateOptions": ["missingkey=error"],
                "generators": [{"list": {"elements": [self._element(each) for each in self._args.placements]}}],
                "template": {"metadata": self._template_metadata(), "spec": self._template_spec(project)},
                # What differs is more than text: sources have maps and lists in them.
                "templatePatch": '{"spec": {"source": {{ .source }}}}',
                # Leaving out an environment deletes its Application, and that what it deployed.
                "syncPolicy": {"preserveResourcesOnDeletion": False},
            },
            opts=self._place.options,
        )

    def _element(self, environment: str) -> dict[str, Any]:
        return {
            "environment": environment,
            "namespace": self._args.placements[environment].namespace,
            "source": json.dumps(self._sources[environment], sort_keys=True),
        }

    def _template_metadata(self) -> dict[str, Any]:
        spec, args = self._spec, self._args
        labels = object_labels(
            name=spec.name, component="application", environment="{{ .environment }}", owner=spec.owner
        )
        metadata: dict[str, Any] = {
            "name": f"{spec.name}-{{{{ .environment }}}}",
            "labels": labels,
            "finalizers": ["resources-finalizer.argocd.argoproj.io"],
        }
        watched = args.commit_statuses and spec.chart_repository is None
        return {**metadata, "annotations": subscriptions(args.repository_id)} if watched else metadata

    def _template_spec(self, project: pulumi.Output[str]) -> dict[str, Any]:
        first, *others = self._sources.values()
        shared = {key: value for key, value in first.items() if all(each.get(key) == value for each in others)}
        address = {} if self._spec.chart_repository else {"repoURL": self._args.repository_url}
        return {
            "project": project,
            # The rest comes by the patch: what it does not name would stay.
            "source": {**address, **shared},
            "destination": {"server": self._args.server, "namespace": "{{ .namespace }}"},
            "syncPolicy": self._spec.sync_policy(),
            **self._spec.differences(),
        }
