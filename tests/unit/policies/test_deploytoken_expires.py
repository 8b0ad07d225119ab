from __future__ import annotations

from policies.rules import deploytoken_expires
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, DEPLOY_TOKEN, UNKNOWN, having


class TestDeploytokenExpires(Battery):
    rule = deploytoken_expires.RULE
    resource_type = "gitlab:index/projectDeployToken:ProjectDeployToken"
    good = (DEPLOY_TOKEN,)
    bad = (
        (having(DEPLOY_TOKEN, {"expiresAt": ABSENT}), "does not expire"),
        ({"expiresAt": "2030-01-01T00:00:00Z"}, "2030-01-01"),
        ({"expiresAt": "soon"}, "is no date"),
    )
    unknown = ({"expiresAt": UNKNOWN},)
