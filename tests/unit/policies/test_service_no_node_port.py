from __future__ import annotations

from policies.rules import service_no_node_port
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import SERVICE, UNKNOWN, having


class TestServiceNoNodePort(Battery):
    rule = service_no_node_port.RULE
    resource_type = "kubernetes:core/v1:Service"
    good = (
        SERVICE,
        {"spec": {"type": "ClusterIP"}},
    )
    bad = ((having(SERVICE, {"spec type": "NodePort"}), "NodePort"),)
    unknown = ({"spec": {"type": UNKNOWN}},)
