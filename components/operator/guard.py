"""What keeps the release account to the one field that is its own, where roles cannot: they know no fields."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes.admissionregistration.v1 as admission
import pulumi_kubernetes.meta.v1 as meta

from components.operator.access import STACKS, guard_expressions

__all__ = ["create_guard"]


def create_guard(
    prefix: str,
    metadata: meta.ObjectMetaArgs,
    *,
    stack: str,
    namespace: str,
    account: str,
    options: pulumi.ResourceOptions,
) -> None:
    """Let the API server refuse updates of a ``Stack`` that `components.operator.access.guard_expressions` refuse.

    Args:
        prefix: what the resources' names begin with.
        metadata: of both objects.
        stack: the object's name.
        namespace: where it is.
        account: who releases, as the API server names users.
        options: of the component's children.
    """
    updates = admission.NamedRuleWithOperationsArgs(
        api_groups=[STACKS], api_versions=["*"], operations=["UPDATE"], resources=["stacks"], resource_names=[stack]
    )
    here = meta.LabelSelectorArgs(match_labels={"kubernetes.io/metadata.name": namespace})
    refusals = [_refusal(*each) for each in guard_expressions(account).items()]
    matched = admission.MatchResourcesArgs(namespace_selector=here, resource_rules=[updates])
    policy = admission.ValidatingAdmissionPolicy(
        f"{prefix}-guard",
        metadata=metadata,
        spec=admission.ValidatingAdmissionPolicySpecArgs(
            failure_policy="Fail", match_constraints=matched, validations=refusals
        ),
        opts=options,
    )
    binding = admission.ValidatingAdmissionPolicyBindingSpecArgs(
        policy_name=policy.metadata.name, validation_actions=["Deny"]
    )
    admission.ValidatingAdmissionPolicyBinding(f"{prefix}-guard-binding", metadata=metadata, spec=binding, opts=options)


def _refusal(expression: str, message: str) -> admission.ValidationArgs:
    return admission.ValidationArgs(expression=expression, message=message, reason="Forbidden")
