from __future__ import annotations

from policies.rules import branchprotection_merge_limited
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import BRANCH_PROTECTION, UNKNOWN, having


class TestBranchprotectionMergeLimited(Battery):
    rule = branchprotection_merge_limited.RULE
    resource_type = "gitlab:index/branchProtection:BranchProtection"
    good = (
        BRANCH_PROTECTION,
        {"branch": "main", "mergeAccessLevel": "developer"},
    )
    bad = (
        (having(BRANCH_PROTECTION, {"branch": "prod", "mergeAccessLevel": "developer"}), "'developer' may merge"),
        (
            having(BRANCH_PROTECTION, {"branch": "dev", "allowedToMerges": [{"accessLevel": "developer"}]}),
            "'developer' may merge",
        ),
    )
    unknown = (
        {"branch": "prod", "mergeAccessLevel": UNKNOWN},
        {"branch": UNKNOWN, "mergeAccessLevel": "developer"},
    )
