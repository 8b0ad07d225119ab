"""A privileged runner takes only jobs that ask for it."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import privileged_runner_runs_tagged_jobs
from policies.rule import Rule
from policies.sources import GITLAB_RUNNERS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-runner-privileged-tagged",
    invariant=privileged_runner_runs_tagged_jobs,
    kinds=frozenset(["gitlab/UserRunner"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_RUNNERS,
        OWASP.at("CICD-SEC-4"),
    ),
)
