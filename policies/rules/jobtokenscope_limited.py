"""Only projects on a list reach a project with their jobs' tokens."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import job_tokens_are_limited
from policies.rule import Rule
from policies.sources import GITLAB_JOB_TOKENS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-jobtokenscope-limited",
    invariant=job_tokens_are_limited,
    kinds=frozenset(["gitlab/ProjectJobTokenScopes"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_JOB_TOKENS,
        OWASP.at("CICD-SEC-5"),
    ),
)
