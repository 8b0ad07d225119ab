from __future__ import annotations

from policies.rules import serviceaccount_no_token
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, ACCOUNT, UNKNOWN, having


class TestServiceaccountNoToken(Battery):
    rule = serviceaccount_no_token.RULE
    resource_type = "kubernetes:core/v1:ServiceAccount"
    good = (ACCOUNT,)
    bad = (
        (having(ACCOUNT, {"automountServiceAccountToken": ABSENT}), "gets its token"),
        (having(ACCOUNT, {"automountServiceAccountToken": True}), "gets its token"),
    )
    unknown = ({"automountServiceAccountToken": UNKNOWN},)
