from __future__ import annotations

from policies.rules import branchprotection_push_limited
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import BRANCH_PROTECTION, UNKNOWN, having


class TestBranchprotectionPushLimited(Battery):
    rule = branchprotection_push_limited.RULE
    resource_type = "gitlab:index/branchProtection:BranchProtection"
    good = (
        BRANCH_PROTECTION,
        {"pushAccessLevel": "no one"},
        {"allowedToPushes": [{"accessLevel": "maintainer"}, {"userId": 4}]},
    )
    bad = (
        (having(BRANCH_PROTECTION, {"pushAccessLevel": "developer"}), "'developer' may push"),
        (having(BRANCH_PROTECTION, {"allowedToPushes": [{"accessLevel": "developer"}]}), "'developer' may push"),
    )
    unknown = (
        {"pushAccessLevel": UNKNOWN},
        {"allowedToPushes": UNKNOWN},
    )
