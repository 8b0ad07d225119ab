"""An access token ends within a year."""

from __future__ import annotations

from pulumi_policy import Severity

from components.invariants.access import token_expires
from policies.rule import Rule
from policies.sources import GITLAB_TOKENS, OWASP

__all__ = ["RULE"]


RULE = Rule(
    name="gitlab-accesstoken-expires",
    invariant=token_expires,
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
    read=lambda part, here: (part.value, here.today, here.settings["maximumDays"]),
    settings={"maximumDays": {"type": "integer", "minimum": 1, "maximum": 365, "default": 365}},
    severity=Severity.HIGH,
    sources=(
        GITLAB_TOKENS,
        OWASP.at("CICD-SEC-6"),
    ),
)
