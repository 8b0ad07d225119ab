"""A token's role is less than owner."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import token_is_no_owner
from policies.rule import Rule
from policies.sources import GITLAB_TOKENS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-accesstoken-no-owner",
    invariant=token_is_no_owner,
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
    severity=Severity.HIGH,
    sources=(
        GITLAB_TOKENS,
        OWASP.at("CICD-SEC-5"),
    ),
)
