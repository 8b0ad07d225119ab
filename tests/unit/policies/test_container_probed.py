from __future__ import annotations

from policies.rules import container_probed
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, DEPLOYMENT, UNKNOWN, with_container


class TestContainerProbed(Battery):
    rule = container_probed.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (DEPLOYMENT,)
    bad = ((with_container({"readinessProbe": ABSENT}), "no readinessProbe"),)
    unknown = (with_container({"readinessProbe": UNKNOWN}),)
