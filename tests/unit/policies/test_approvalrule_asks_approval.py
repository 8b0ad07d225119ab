from __future__ import annotations

from policies.rules import approvalrule_asks_approval
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import UNKNOWN


class TestApprovalruleAsksApproval(Battery):
    rule = approvalrule_asks_approval.RULE
    resource_type = "gitlab:index/projectApprovalRule:ProjectApprovalRule"
    good = ({"approvalsRequired": 1},)
    bad = (
        ({"project": "7", "name": "review", "approvalsRequired": 0}, "no approval"),
        ({}, "no approval"),
    )
    unknown = ({"approvalsRequired": UNKNOWN},)
