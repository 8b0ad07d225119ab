from __future__ import annotations

from policies.rules import approvals_by_others
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import UNKNOWN


class TestApprovalsByOthers(Battery):
    rule = approvals_by_others.RULE
    resource_type = "gitlab:index/projectLevelMrApprovals:ProjectLevelMrApprovals"
    good = (
        {
            "mergeRequestsAuthorApproval": False,
            "mergeRequestsDisableCommittersApproval": True,
            "resetApprovalsOnPush": True,
        },
        {},
    )
    bad = (
        ({"project": "7", "mergeRequestsAuthorApproval": True}, "authors may approve"),
        ({"mergeRequestsDisableCommittersApproval": False}, "committers may approve"),
        ({"resetApprovalsOnPush": False}, "outlives a push"),
    )
    unknown = ({"mergeRequestsAuthorApproval": UNKNOWN},)
    beside_unknown = (({"mergeRequestsAuthorApproval": True, "resetApprovalsOnPush": UNKNOWN}, "authors may approve"),)
