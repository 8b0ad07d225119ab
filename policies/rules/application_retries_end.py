"""A failed sync is tried again a few times."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import application_retries_end
from policies.parts import at
from policies.rule import Rule
from policies.sources import Source

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-application-retries-end",
    invariant=application_retries_end,
    kinds=frozenset(["argoproj.io/Application"]),
    parts=at("spec"),
    severity=Severity.LOW,
    sources=(Source("Argo CD automated sync", "https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/"),),
)
