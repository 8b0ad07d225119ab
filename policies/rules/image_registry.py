"""An image is named with its registry."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import image_has_a_registry
from policies.kinds import WORKLOADS
from policies.pod_parts import images
from policies.rule import Rule
from policies.sources import CIS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-image-registry",
    invariant=image_has_a_registry,
    kinds=frozenset(WORKLOADS),
    parts=images,
    severity=Severity.MEDIUM,
    sources=(
        CIS.at("5.5.1"),
        OWASP.at("CICD-SEC-3"),
    ),
)
