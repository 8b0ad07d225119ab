from __future__ import annotations

from policies.rules import container_proc_masked
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import DEPLOYMENT, UNKNOWN, with_container


class TestContainerProcMasked(Battery):
    rule = container_proc_masked.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        with_container({"securityContext procMount": "Default"}),
    )
    bad = ((with_container({"securityContext procMount": "Unmasked"}), "is unmasked"),)
    unknown = (with_container({"securityContext procMount": UNKNOWN}),)
