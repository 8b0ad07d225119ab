"""A rule of a Role as data, and what no rule may grant. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final

from pydantic import Field

from components.invariants import Violation
from components.invariants.rights import (
    role_enters_no_pods,
    role_has_no_wildcards,
    role_raises_no_rights,
    role_reads_no_secrets,
    role_reads_secrets_by_name,
)
from components.naming import is_api_resource
from components.spec import ApiGroup, Spec, Text, ruled

__all__ = ["RBAC", "RuleSpec", "cluster_violations", "namespace_violations"]

RBAC: Final = "rbac.authorization.k8s.io"
"""The API group of roles and bindings."""

_ALWAYS: Final = (role_has_no_wildcards, role_raises_no_rights, role_enters_no_pods)


_VERBS: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection", "use")
_REFUSED: Final = ("bind", "escalate", "impersonate", "*")
"""Words that Kubernetes knows as well; the invariants say why nobody gets them."""

Resource = Annotated[
    str,
    ruled(
        is_api_resource,
        "a resource as the API names it: a plural in lower case, possibly with '/' and a part of it",
        "use a resource such as 'deployments' or 'pods/log'",
    ),
]
Verb = Annotated[
    str,
    ruled(
        lambda value: value in {*_VERBS, *_REFUSED},
        f"a verb that the API server knows: {', '.join(_VERBS)}",
        "use one of them",
    ),
]


class RuleSpec(Spec):
    """A rule of a Role: these verbs on these resources."""

    api_groups: tuple[ApiGroup, ...] = Field(default=("",), min_length=1)
    """The core group is the empty text."""
    resources: tuple[Resource, ...] = Field(min_length=1)
    verbs: tuple[Verb, ...] = Field(min_length=1)
    resource_names: tuple[Text, ...] = ()
    """Only the objects of these names; by default all."""

    def as_kubernetes(self) -> dict[str, Any]:
        """Return it as Kubernetes reads it."""
        rule = self.model_dump(mode="json", by_alias=True)
        return rule if self.resource_names else {key: rule[key] for key in rule if key != "resourceNames"}


def cluster_violations(whose: str, rules: Iterable[RuleSpec]) -> Iterator[Violation]:
    """Yield what rules for the whole cluster must not grant, and do; ``whose`` stands after "Rule 1 of"."""
    return _violations(f"{whose} in the cluster", rules, (*_ALWAYS, role_reads_no_secrets))


def namespace_violations(whose: str, namespace: str, rules: Iterable[RuleSpec]) -> Iterator[Violation]:
    """Yield what rules for a namespace must not grant, and do; ``whose`` stands after "Rule 1 of"."""
    return _violations(f"{whose} in {namespace}", rules, (*_ALWAYS, role_reads_secrets_by_name))


def _violations(whose: str, rules: Iterable[RuleSpec], invariants: Iterable[Any]) -> Iterator[Violation]:
    for number, rule in enumerate(rules, start=1):
        subject, data = f"Rule {number} of {whose}", rule.as_kubernetes()
        for invariant in invariants:
            yield from invariant(subject, data)
