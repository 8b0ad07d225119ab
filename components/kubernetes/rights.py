"""Roles and their bindings, from rules that are data."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi
import pulumi_kubernetes.meta.v1 as meta
import pulumi_kubernetes.rbac.v1 as rbac

from components.kubernetes.rule_spec import RBAC, RuleSpec

__all__ = ["grant", "policy_rules"]


def policy_rules(rules: Iterable[RuleSpec]) -> list[rbac.PolicyRuleArgs]:
    """Return rules as a role takes them."""
    return [
        rbac.PolicyRuleArgs(
            api_groups=list(rule.api_groups),
            resources=list(rule.resources),
            verbs=list(rule.verbs),
            resource_names=list(rule.resource_names) or None,
        )
        for rule in rules
    ]


def grant(
    role: str,
    binding: str,
    metadata: meta.ObjectMetaArgs,
    rules: Iterable[RuleSpec],
    subject: rbac.SubjectArgs,
    options: pulumi.ResourceOptions,
) -> None:
    """Make a Role in a namespace and bind it.

    Args:
        role: the Role's resource name.
        binding: the RoleBinding's.
        metadata: of both.
        rules: what the role grants.
        subject: whom.
        options: of both.
    """
    made = rbac.Role(role, metadata=metadata, rules=policy_rules(rules), opts=options)
    rbac.RoleBinding(
        binding,
        metadata=metadata,
        role_ref=rbac.RoleRefArgs(api_group=RBAC, kind="Role", name=made.metadata.name),
        subjects=[subject],
        opts=options,
    )
