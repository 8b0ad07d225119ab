from __future__ import annotations

from policies.rules import container_not_privileged
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import CONTAINER, DEPLOYMENT, UNKNOWN, having, with_container


class TestContainerNotPrivileged(Battery):
    rule = container_not_privileged.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (DEPLOYMENT,)
    bad = ((with_container({"securityContext privileged": True}), "it is privileged"),)
    unknown = (with_container({"securityContext privileged": UNKNOWN}),)
    beside_unknown = (
        (
            having(
                DEPLOYMENT,
                {
                    "spec template spec containers 0 securityContext": UNKNOWN,
                    "spec template spec ephemeralContainers": [having(CONTAINER, {"securityContext privileged": True})],
                },
            ),
            "it is privileged",
        ),
    )
