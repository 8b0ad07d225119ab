from __future__ import annotations

from policies.rules import container_no_root
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, CONTAINER, DEPLOYMENT, UNKNOWN, having, with_container


class TestContainerNoRoot(Battery):
    rule = container_no_root.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        having(
            DEPLOYMENT,
            {
                "spec template spec securityContext runAsNonRoot": ABSENT,
                "spec template spec containers 0 securityContext runAsNonRoot": True,
            },
        ),
    )
    bad = (
        (having(DEPLOYMENT, {"spec template spec securityContext runAsNonRoot": False}), "may run as root"),
        (with_container({"securityContext runAsUser": 0}), "its user is 0"),
        (having(DEPLOYMENT, {"spec template spec securityContext runAsUser": 0}), "its user is 0"),
        (with_container({"securityContext runAsNonRoot": False}), "may run as root"),
    )
    unknown = (having(DEPLOYMENT, {"spec template spec securityContext runAsNonRoot": UNKNOWN}),)
    beside_unknown = (
        (
            having(
                DEPLOYMENT,
                {
                    "spec template spec containers 0 securityContext runAsUser": UNKNOWN,
                    "spec template spec initContainers": [having(CONTAINER, {"securityContext runAsUser": 0})],
                },
            ),
            "its user is 0",
        ),
    )
