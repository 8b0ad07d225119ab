from __future__ import annotations

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as UNKNOWN

from policies.rules import gitlab_visibility_limited
from tests.unit.policies.battery import Battery


class TestGitlabVisibilityLimited(Battery):
    rule = gitlab_visibility_limited.RULE
    resource_type = "gitlab:index/project:Project"
    good = ({"visibilityLevel": "private"}, {"visibilityLevel": "internal"}, {})
    bad = (({"visibilityLevel": "public"}, "'public'"),)
    unknown = ({"visibilityLevel": UNKNOWN},)
