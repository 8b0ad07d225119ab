from __future__ import annotations

from policies.rules import container_read_only
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import ABSENT, DEPLOYMENT, UNKNOWN, with_container


class TestContainerReadOnly(Battery):
    rule = container_read_only.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (DEPLOYMENT,)
    bad = (
        (with_container({"securityContext readOnlyRootFilesystem": False}), "is writable"),
        (with_container({"securityContext readOnlyRootFilesystem": ABSENT}), "is writable"),
    )
    unknown = (with_container({"securityContext readOnlyRootFilesystem": UNKNOWN}),)
