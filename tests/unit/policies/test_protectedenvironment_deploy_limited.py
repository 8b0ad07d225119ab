from __future__ import annotations

from policies.rules import protectedenvironment_deploy_limited
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import PROTECTED_ENVIRONMENT, UNKNOWN, having


class TestProtectedenvironmentDeployLimited(Battery):
    rule = protectedenvironment_deploy_limited.RULE
    resource_type = "gitlab:index/projectProtectedEnvironment:ProjectProtectedEnvironment"
    good = (
        PROTECTED_ENVIRONMENT,
        {"deployAccessLevelsAttributes": [{"groupId": 3}]},
    )
    bad = (
        (
            having(PROTECTED_ENVIRONMENT, {"deployAccessLevelsAttributes 0 accessLevel": "developer"}),
            "'developer' may deploy",
        ),
    )
    unknown = (
        {"deployAccessLevelsAttributes": [{"accessLevel": UNKNOWN}]},
        {"deployAccessLevelsAttributes": UNKNOWN},
    )
    beside_unknown = (
        (
            {"deployAccessLevelsAttributes": [{"accessLevel": UNKNOWN}, {"accessLevel": "developer"}]},
            "'developer' may deploy",
        ),
    )
