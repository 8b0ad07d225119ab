"""A service's container tells when it is ready."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import container_is_probed
from policies.kinds import WORKLOADS
from policies.levels import ADVICE
from policies.pod_parts import main_containers
from policies.rule import Rule
from policies.sources import NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-container-probed",
    invariant=container_is_probed,
    # Nobody waits for a job to be ready.
    kinds=frozenset(WORKLOADS) - {"batch/CronJob", "batch/Job"},
    parts=main_containers,
    patches=False,
    severity=Severity.LOW,
    levels=ADVICE,
    sources=(NSA,),
)
