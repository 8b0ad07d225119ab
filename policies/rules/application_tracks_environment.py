"""An application tracks its environment's branch, a version or a commit."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.delivery import application_tracks_its_environment
from policies.delivery_parts import sources
from policies.rule import Rule
from policies.sources import OWASP, SLSA

__all__ = ["RULE"]


RULE = Rule(
    name="argocd-application-tracks-environment",
    invariant=application_tracks_its_environment,
    kinds=frozenset(["argoproj.io/Application"]),
    parts=sources,
    read=lambda part, here: (part.value, here.environment),
    patches=False,
    severity=Severity.HIGH,
    sources=(
        SLSA,
        OWASP.at("CICD-SEC-9"),
    ),
)
