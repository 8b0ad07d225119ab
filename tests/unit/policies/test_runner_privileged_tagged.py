from __future__ import annotations

from policies.rules import runner_privileged_tagged
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import RUNNER, UNKNOWN, having


class TestRunnerPrivilegedTagged(Battery):
    rule = runner_privileged_tagged.RULE
    resource_type = "gitlab:index/userRunner:UserRunner"
    good = (
        RUNNER,
        {"tagLists": ["linux"], "untagged": True},
    )
    bad = ((having(RUNNER, {"untagged": True}), "untagged jobs"),)
    unknown = ({"tagLists": ["privileged"], "untagged": UNKNOWN},)
