from __future__ import annotations

from policies.rules import runner_limits_jobs
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, RUNNER, UNKNOWN, having


class TestRunnerLimitsJobs(Battery):
    rule = runner_limits_jobs.RULE
    resource_type = "gitlab:index/userRunner:UserRunner"
    good = (RUNNER,)
    bad = (
        (having(RUNNER, {"maximumTimeout": ABSENT}), "for ever"),
        ({"maximumTimeout": 1000000}, "1000000 s"),
    )
    unknown = ({"maximumTimeout": UNKNOWN},)
