from __future__ import annotations

from policies.rules import group_default_no_force_push
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import GROUP, UNKNOWN, having


class TestGroupDefaultNoForcePush(Battery):
    rule = group_default_no_force_push.RULE
    resource_type = "gitlab:index/group:Group"
    good = (
        GROUP,
        {"defaultBranchProtectionDefaults": {"allowForcePush": False}},
    )
    bad = ((having(GROUP, {"defaultBranchProtectionDefaults": {"allowForcePush": True}}), "allow force pushes"),)
    unknown = ({"defaultBranchProtectionDefaults": {"allowForcePush": UNKNOWN}},)
