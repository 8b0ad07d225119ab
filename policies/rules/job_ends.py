"""A job ends."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.workloads import job_ends
from policies.levels import ADVICE
from policies.pod_parts import jobs
from policies.rule import Rule
from policies.sources import NSA

__all__ = ["RULE"]


RULE = Rule(
    name="kubernetes-job-ends",
    invariant=job_ends,
    kinds=frozenset(["batch/Job", "batch/CronJob"]),
    parts=jobs,
    patches=False,
    severity=Severity.LOW,
    levels=ADVICE,
    sources=(NSA,),
)
