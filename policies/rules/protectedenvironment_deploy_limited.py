"""Only maintainers deploy to a protected environment."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.forge import environment_is_deployed_by_maintainers
from policies.parts import each
from policies.rule import Rule
from policies.sources import GITLAB_HARDENING, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-protectedenvironment-deploy-limited",
    invariant=environment_is_deployed_by_maintainers,
    kinds=frozenset(["gitlab/ProjectProtectedEnvironment", "gitlab/GroupProtectedEnvironment"]),
    parts=each("deployAccessLevelsAttributes"),
    severity=Severity.HIGH,
    sources=(
        GITLAB_HARDENING,
        OWASP.at("CICD-SEC-1"),
    ),
)
