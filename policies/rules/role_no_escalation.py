"""A role raises nobody's rights."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.rights import role_raises_no_rights
from policies.parts import each
from policies.rule import Rule
from policies.sources import CIS, NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-role-no-escalation",
    invariant=role_raises_no_rights,
    kinds=frozenset(["rbac.authorization.k8s.io/Role", "rbac.authorization.k8s.io/ClusterRole"]),
    parts=each("rules"),
    severity=Severity.CRITICAL,
    sources=(
        CIS.at("5.1.8"),
        NSA,
    ),
)
