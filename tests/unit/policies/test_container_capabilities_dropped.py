from __future__ import annotations

from policies.rules import container_capabilities_dropped
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import DEPLOYMENT, UNKNOWN, with_container


class TestContainerCapabilitiesDropped(Battery):
    rule = container_capabilities_dropped.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        with_container({"securityContext capabilities add": ["NET_BIND_SERVICE"]}),
    )
    bad = (
        (with_container({"securityContext capabilities add": ["SYS_ADMIN"]}), "adds SYS_ADMIN"),
        (with_container({"securityContext capabilities drop": ["NET_RAW"]}), "does not drop ALL"),
    )
    unknown = (with_container({"securityContext capabilities": UNKNOWN}),)
