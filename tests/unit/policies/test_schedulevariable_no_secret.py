from __future__ import annotations

from policies.rules import schedulevariable_no_secret
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import UNKNOWN


class TestSchedulevariableNoSecret(Battery):
    rule = schedulevariable_no_secret.RULE
    resource_type = "gitlab:index/pipelineScheduleVariable:PipelineScheduleVariable"
    good = ({"key": "LEVEL", "value": "full"},)
    bad = (
        ({"project": "7", "pipelineScheduleId": 3, "key": "DB_PASSWORD", "value": "canary-password"}, "is a secret"),
    )
    unknown = ({"key": UNKNOWN},)
