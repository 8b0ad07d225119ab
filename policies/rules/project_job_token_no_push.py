"""A job's own token does not push."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import job_tokens_do_not_push
from policies.rule import Rule
from policies.sources import GITLAB_JOB_TOKENS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-project-job-token-no-push",
    invariant=job_tokens_do_not_push,
    kinds=frozenset(["gitlab/Project"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_JOB_TOKENS,
        OWASP.at("CICD-SEC-5"),
    ),
)
