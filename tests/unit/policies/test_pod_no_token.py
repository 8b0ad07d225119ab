from __future__ import annotations

from policies.rules import pod_no_token
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, DEPLOYMENT, UNKNOWN, having


class TestPodNoToken(Battery):
    rule = pod_no_token.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        having(
            DEPLOYMENT,
            {
                "spec template spec automountServiceAccountToken": ABSENT,
                "spec template spec serviceAccountName": "agent",
            },
        ),
    )
    bad = ((having(DEPLOYMENT, {"spec template spec automountServiceAccountToken": ABSENT}), "the default account"),)
    unknown = (having(DEPLOYMENT, {"spec template spec automountServiceAccountToken": UNKNOWN}),)
