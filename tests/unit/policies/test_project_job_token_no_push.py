from __future__ import annotations

from policies.rules import project_job_token_no_push
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import PROJECT, UNKNOWN, having


class TestProjectJobTokenNoPush(Battery):
    rule = project_job_token_no_push.RULE
    resource_type = "gitlab:index/project:Project"
    good = (
        PROJECT,
        {"ciPushRepositoryForJobTokenAllowed": False},
    )
    bad = ((having(PROJECT, {"ciPushRepositoryForJobTokenAllowed": True}), "job tokens may push"),)
    unknown = ({"ciPushRepositoryForJobTokenAllowed": UNKNOWN},)
