"""An import's address carries no password or token."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import import_has_no_credentials
from policies.rule import Rule
from policies.sources import GITLAB_TOKENS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-project-import-no-credentials",
    invariant=import_has_no_credentials,
    kinds=frozenset(["gitlab/Project"]),
    severity=Severity.CRITICAL,
    sources=(
        OWASP.at("CICD-SEC-6"),
        GITLAB_TOKENS,
    ),
)
