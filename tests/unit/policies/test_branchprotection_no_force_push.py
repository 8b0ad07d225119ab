from __future__ import annotations

from pulumi_policy.proxy import UNKNOWN_STRING_VALUE as UNKNOWN

from policies.rules import branchprotection_no_force_push
from tests.unit.policies.battery import Battery


class TestBranchprotectionNoForcePush(Battery):
    rule = branchprotection_no_force_push.RULE
    resource_type = "gitlab:index/branchProtection:BranchProtection"
    good = ({"branch": "prod", "allowForcePush": False}, {"branch": "prod"})
    bad = (({"branch": "prod", "allowForcePush": True}, "force push is allowed"),)
    unknown = ({"allowForcePush": UNKNOWN},)
