"""A token does not act as an administrator."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import token_is_no_superuser
from policies.parts import each
from policies.rule import Rule
from policies.sources import GITLAB_TOKENS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-accesstoken-no-superuser",
    invariant=token_is_no_superuser,
    kinds=frozenset(
        [
            "gitlab/ProjectAccessToken",
            "gitlab/GroupAccessToken",
            "gitlab/PersonalAccessToken",
            "gitlab/ProjectServiceAccountAccessToken",
            "gitlab/GroupServiceAccountAccessToken",
            "gitlab/UserImpersonationToken",
        ]
    ),
    parts=each("scopes"),
    severity=Severity.CRITICAL,
    sources=(
        GITLAB_TOKENS,
        OWASP.at("CICD-SEC-5"),
    ),
)
