from __future__ import annotations

from policies.rules import container_seccomp
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, DEPLOYMENT, UNKNOWN, having, with_container


class TestContainerSeccomp(Battery):
    rule = container_seccomp.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        with_container({"securityContext seccompProfile": {"type": "Localhost"}}),
    )
    bad = (
        (having(DEPLOYMENT, {"spec template spec securityContext seccompProfile": ABSENT}), "no seccomp profile"),
        (with_container({"securityContext seccompProfile": {"type": "Unconfined"}}), "is Unconfined"),
    )
    unknown = (having(DEPLOYMENT, {"spec template spec securityContext seccompProfile type": UNKNOWN}),)
