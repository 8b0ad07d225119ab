"""An OAuth application signs people in and reads."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import oauth_application_is_modest
from policies.parts import each
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-oauth-modest",
    invariant=oauth_application_is_modest,
    kinds=frozenset(["gitlab/Application"]),
    parts=each("scopes"),
    severity=Severity.HIGH,
    sources=(
        OWASP.at("CICD-SEC-5"),
        GITLAB_HARDENING,
    ),
)
