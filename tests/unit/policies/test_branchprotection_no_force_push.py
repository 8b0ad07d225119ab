from __future__ import annotations

from policies.rules import branchprotection_no_force_push
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import BRANCH_PROTECTION, UNKNOWN, having


class TestBranchprotectionNoForcePush(Battery):
    rule = branchprotection_no_force_push.RULE
    resource_type = "gitlab:index/branchProtection:BranchProtection"
    good = (
        {"branch": "prod", "allowForcePush": False},
        BRANCH_PROTECTION,
    )
    bad = ((having(BRANCH_PROTECTION, {"allowForcePush": True}), "force push is allowed"),)
    unknown = ({"allowForcePush": UNKNOWN},)
