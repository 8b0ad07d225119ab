from __future__ import annotations

from policies.rules import pod_safe_sysctls
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import DEPLOYMENT, UNKNOWN, having


class TestPodSafeSysctls(Battery):
    rule = pod_safe_sysctls.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        having(
            DEPLOYMENT,
            {"spec template spec securityContext sysctls": [{"name": "net.ipv4.tcp_syncookies", "value": "1"}]},
        ),
    )
    bad = (
        (
            having(
                DEPLOYMENT, {"spec template spec securityContext sysctls": [{"name": "kernel.msgmax", "value": "1"}]}
            ),
            "kernel.msgmax",
        ),
    )
    unknown = (having(DEPLOYMENT, {"spec template spec securityContext sysctls": UNKNOWN}),)
