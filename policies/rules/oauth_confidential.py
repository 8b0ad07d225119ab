"""An OAuth application keeps its secret on a server."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import oauth_application_is_confidential
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-oauth-confidential",
    invariant=oauth_application_is_confidential,
    kinds=frozenset(["gitlab/Application"]),
    severity=Severity.HIGH,
    sources=(
        GITLAB_HARDENING,
        OWASP.at("CICD-SEC-6"),
    ),
)
