from __future__ import annotations

from policies.rules import networkpolicy_egress_limited
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import NETWORK_POLICY, UNKNOWN, having


class TestNetworkpolicyEgressLimited(Battery):
    rule = networkpolicy_egress_limited.RULE
    resource_type = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    good = (
        NETWORK_POLICY,
        having(NETWORK_POLICY, {"spec egress": [{"ports": [{"port": 53}]}]}),
        having(NETWORK_POLICY, {"spec egress": [{"to": [{"podSelector": {}}]}]}),
        having(
            NETWORK_POLICY, {"spec egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}]}
        ),
    )
    bad = (
        (having(NETWORK_POLICY, {"spec egress": [{}]}), "reach everything"),
        (having(NETWORK_POLICY, {"spec egress": [{"to": [{"ipBlock": {"cidr": "::/0"}}]}]}), "every network"),
    )
    unknown = ({"spec": {"egress": UNKNOWN}},)
    beside_unknown = (({"spec": {"egress": [UNKNOWN, {}]}}, "reach everything"),)
