from __future__ import annotations

from policies.rules import container_no_escalation
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, DEPLOYMENT, UNKNOWN, with_container


class TestContainerNoEscalation(Battery):
    rule = container_no_escalation.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (DEPLOYMENT,)
    bad = (
        (with_container({"securityContext allowPrivilegeEscalation": True}), "may gain privileges"),
        (with_container({"securityContext allowPrivilegeEscalation": ABSENT}), "may gain privileges"),
    )
    unknown = (with_container({"securityContext allowPrivilegeEscalation": UNKNOWN}),)
