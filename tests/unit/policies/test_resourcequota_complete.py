from __future__ import annotations

from policies.rules import resourcequota_complete
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, QUOTA, UNKNOWN, having


class TestResourcequotaComplete(Battery):
    rule = resourcequota_complete.RULE
    resource_type = "kubernetes:core/v1:ResourceQuota"
    good = (QUOTA, having(QUOTA, {"spec hard": {"requests.storage": "1Ti", "requests.nvidia.com/gpu": "8"}}))
    bad = (
        (having(QUOTA, {"spec hard pods": ABSENT}), "does not limit pods"),
        (having(QUOTA, {"spec hard limits.cpu": ABSENT}), "does not limit limits.cpu"),
        (having(QUOTA, {"spec hard limits.memory": ABSENT}), "does not limit limits.memory"),
    )
    unknown = ({"spec": {"hard": UNKNOWN}},)
