from __future__ import annotations

from policies.rules import gitlab_visibility_limited
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import GROUP, PROJECT, UNKNOWN, having


class TestGitlabVisibilityLimited(Battery):
    rule = gitlab_visibility_limited.RULE
    resource_type = "gitlab:index/project:Project"
    good = (
        {"visibilityLevel": "private"},
        {"visibilityLevel": "internal"},
        {},
        PROJECT,
        GROUP,
    )
    bad = ((having(PROJECT, {"visibilityLevel": "public"}), "'public'"),)
    unknown = ({"visibilityLevel": UNKNOWN},)
