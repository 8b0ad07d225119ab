"""An application comes from a project of the platform."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.composition import application_repository_is_managed
from policies.sources import OWASP, SLSA
from policies.stack_rule import StackRule, of_kind

__all__ = ["RULE"]

RULE = StackRule(
    name="stack-application-repository-managed",
    invariant=application_repository_is_managed,
    subjects=of_kind("argoproj.io/Application"),
    kinds=frozenset(["argoproj.io/Application", "gitlab/Project"]),
    severity=Severity.HIGH,
    sources=(
        OWASP.at("CICD-SEC-3"),
        SLSA,
    ),
)
