"""An empty directory in git deletes nothing."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import application_is_never_emptied
from policies.parts import at
from policies.rule import Rule
from policies.sources import Source

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-application-not-emptied",
    invariant=application_is_never_emptied,
    kinds=frozenset(["argoproj.io/Application"]),
    parts=at("spec"),
    severity=Severity.HIGH,
    sources=(Source("Argo CD automated sync", "https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/"),),
)
