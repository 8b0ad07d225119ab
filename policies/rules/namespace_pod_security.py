"""Every namespace enforces a Pod Security Standard."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants import Violation, namespace_enforces_pod_security
from policies.rule import Properties, resource_rule

__all__ = ["RULE"]


def _find(name: str, props: Properties) -> list[Violation]:
    labels = (props.get("metadata") or {}).get("labels") or {}
    return namespace_enforces_pod_security(f"Namespace {name}", labels)


RULE = resource_rule(
    name="kubernetes-namespace-pod-security",
    description="Every namespace enforces the baseline or the restricted Pod Security Standard.",
    resource_types=["kubernetes:core/v1:Namespace", "kubernetes:core/v1:NamespacePatch"],
    find=_find,
    remediation="Add the label pod-security.kubernetes.io/enforce: restricted to the namespace.",
    severity=Severity.HIGH,
)
