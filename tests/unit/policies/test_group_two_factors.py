from __future__ import annotations

from policies.rules import group_two_factors
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import GROUP, UNKNOWN, having


class TestGroupTwoFactors(Battery):
    rule = group_two_factors.RULE
    resource_type = "gitlab:index/group:Group"
    good = (GROUP,)
    bad = (
        (having(GROUP, {"requireTwoFactorAuthentication": False}), "a password alone"),
        ({}, "a password alone"),
    )
    unknown = ({"requireTwoFactorAuthentication": UNKNOWN},)
