"""An image is named by its digest."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import image_has_a_digest
from policies.kinds import WORKLOADS
from policies.levels import IN_PRODUCTION
from policies.pod_parts import images
from policies.rule import Rule
from policies.sources import NSA, OWASP, SLSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-image-digest",
    invariant=image_has_a_digest,
    kinds=frozenset(WORKLOADS),
    parts=images,
    severity=Severity.HIGH,
    levels=IN_PRODUCTION,
    sources=(
        SLSA,
        NSA,
        OWASP.at("CICD-SEC-9"),
    ),
)
