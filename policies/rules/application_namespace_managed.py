"""An application goes to a namespace of the stack."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import application_goes_to_a_managed_namespace
from policies.sources import CIS, NSA
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-application-namespace-managed",
    invariant=application_goes_to_a_managed_namespace,
    subjects=of_kind("argoproj.io/Application"),
    kinds=frozenset(["argoproj.io/Application", "core/Namespace"]),
    severity=Severity.HIGH,
    sources=(
        CIS.at("5.7.1"),
        NSA,
    ),
)
