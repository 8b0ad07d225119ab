from __future__ import annotations

from policies.rules import pod_no_host_namespace
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import DEPLOYMENT, UNKNOWN, having


class TestPodNoHostNamespace(Battery):
    rule = pod_no_host_namespace.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        having(DEPLOYMENT, {"spec template spec hostNetwork": False}),
    )
    bad = (
        (having(DEPLOYMENT, {"spec template spec hostNetwork": True}), "hostNetwork is on"),
        (having(DEPLOYMENT, {"spec template spec hostPID": True}), "hostPID is on"),
        (having(DEPLOYMENT, {"spec template spec hostIPC": True}), "hostIPC is on"),
    )
    unknown = (
        having(DEPLOYMENT, {"spec template spec hostPID": UNKNOWN}),
        having(DEPLOYMENT, {"spec template": UNKNOWN}),
    )
    beside_unknown = (
        (
            having(DEPLOYMENT, {"spec template spec hostNetwork": UNKNOWN, "spec template spec hostIPC": True}),
            "hostIPC is on",
        ),
    )
