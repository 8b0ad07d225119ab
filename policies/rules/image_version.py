"""An image is named with a version."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import image_has_a_version
from policies.kinds import WORKLOADS
from policies.pod_parts import images
from policies.rule import Rule
from policies.sources import NSA, OWASP, SLSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-image-version",
    invariant=image_has_a_version,
    kinds=frozenset(WORKLOADS),
    parts=images,
    severity=Severity.HIGH,
    sources=(
        NSA,
        SLSA,
        OWASP.at("CICD-SEC-9"),
    ),
)
