from __future__ import annotations

from policies.rules import pod_no_host_path
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import DEPLOYMENT, UNKNOWN, having


class TestPodNoHostPath(Battery):
    rule = pod_no_host_path.RULE
    resource_type = "kubernetes:apps/v1:Deployment"
    good = (
        DEPLOYMENT,
        having(DEPLOYMENT, {"spec template spec volumes": [{"name": "tmp", "emptyDir": {}}]}),
    )
    bad = (
        (
            having(DEPLOYMENT, {"spec template spec volumes": [{"name": "root", "hostPath": {"path": "/"}}]}),
            "volume root",
        ),
    )
    unknown = (
        having(DEPLOYMENT, {"spec template spec volumes": UNKNOWN}),
        {"spec": {"template": {"spec": UNKNOWN}}},
    )
    beside_unknown = (
        (
            having(DEPLOYMENT, {"spec template spec volumes": [UNKNOWN, {"name": "root", "hostPath": {"path": "/"}}]}),
            "volume root",
        ),
    )
