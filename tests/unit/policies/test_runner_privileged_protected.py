from __future__ import annotations

from policies.rules import runner_privileged_protected
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import RUNNER, UNKNOWN, having


class TestRunnerPrivilegedProtected(Battery):
    rule = runner_privileged_protected.RULE
    resource_type = "gitlab:index/userRunner:UserRunner"
    good = (
        RUNNER,
        {"tagLists": ["linux"]},
    )
    bad = (
        (having(RUNNER, {"accessLevel": "not_protected"}), "every branch"),
        ({"tagLists": ["DinD"]}, "every branch"),
    )
    unknown = (
        {"tagLists": ["privileged"], "accessLevel": UNKNOWN},
        {"tagLists": UNKNOWN},
    )
