from __future__ import annotations

from policies.rules import container_limits
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, DEPLOYMENT, UNKNOWN, with_container


class TestContainerLimits(Battery):
    rule = container_limits.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (DEPLOYMENT,)
    bad = (
        (with_container({"resources limits memory": ABSENT}), "no limits.memory"),
        (with_container({"resources requests cpu": ABSENT}), "no requests.cpu"),
    )
    unknown = (with_container({"resources": UNKNOWN}),)
