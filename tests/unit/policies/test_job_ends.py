from __future__ import annotations

from policies.rules import job_ends
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, JOB, UNKNOWN, having


class TestJobEnds(Battery):
    rule = job_ends.RULE
    resource_type = "kubernetes:batch/v1:Job"
    good = (JOB,)
    bad = ((having(JOB, {"spec activeDeadlineSeconds": ABSENT}), "for ever"),)
    unknown = ({"spec": {"activeDeadlineSeconds": UNKNOWN}},)
