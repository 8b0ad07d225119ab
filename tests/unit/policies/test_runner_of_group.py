from __future__ import annotations

from policies.rules import runner_of_group
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import RUNNER, UNKNOWN, having


class TestRunnerOfGroup(Battery):
    rule = runner_of_group.RULE
    resource_type = "gitlab:index/userRunner:UserRunner"
    good = (
        RUNNER,
        {"runnerType": "project_type"},
    )
    bad = ((having(RUNNER, {"runnerType": "instance_type"}), "the whole GitLab instance"),)
    unknown = ({"runnerType": UNKNOWN},)
