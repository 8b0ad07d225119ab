"""A runner ends jobs that hang."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import runner_limits_jobs
from policies.levels import ADVICE
from policies.rule import Rule
from policies.sources import GITLAB_RUNNERS

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-runner-limits-jobs",
    invariant=runner_limits_jobs,
    kinds=frozenset(["gitlab/UserRunner"]),
    read=lambda part, here: (part.value, here.settings["maximumSeconds"]),
    settings={"maximumSeconds": {"type": "integer", "minimum": 600, "maximum": 259200, "default": 86400}},
    severity=Severity.LOW,
    levels=ADVICE,
    sources=(GITLAB_RUNNERS,),
)
