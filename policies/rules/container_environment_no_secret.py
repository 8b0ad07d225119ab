"""A container reads its secrets from a secret."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import container_environment_holds_no_secret
from policies.kinds import WORKLOADS
from policies.pod_parts import containers
from policies.rule import Rule
from policies.sources import CIS, NSA, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-container-environment-no-secret",
    invariant=container_environment_holds_no_secret,
    kinds=frozenset(WORKLOADS),
    parts=containers,
    severity=Severity.CRITICAL,
    sources=(
        CIS.at("5.4.1"),
        NSA,
        OWASP.at("CICD-SEC-6"),
    ),
)
