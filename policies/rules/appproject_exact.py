"""An Argo CD project names its repositories and destinations one by one."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants import Violation, app_project_is_exact
from policies.rule import Properties, resource_rule

__all__ = ["RULE"]


def _find(name: str, props: Properties) -> list[Violation]:
    spec = props.get("spec") or {}
    return app_project_is_exact(f"AppProject {name}", spec.get("sourceRepos") or [], spec.get("destinations") or [])


RULE = resource_rule(
    name="argocd-appproject-exact",
    description="An Argo CD project names its repositories and destinations one by one.",
    resource_types=["kubernetes:argoproj.io/v1alpha1:AppProject"],
    find=_find,
    remediation="Replace each wildcard in sourceRepos and destinations by the exact values.",
    severity=Severity.HIGH,
)
