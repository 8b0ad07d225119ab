from __future__ import annotations

from policies.rules import networkpolicy_ingress_limited
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import NETWORK_POLICY, UNKNOWN, having


class TestNetworkpolicyIngressLimited(Battery):
    rule = networkpolicy_ingress_limited.RULE
    resource_type = "kubernetes:networking.k8s.io/v1:NetworkPolicy"
    good = (
        NETWORK_POLICY,
        having(NETWORK_POLICY, {"spec ingress": [{"from": [{"podSelector": {}}]}]}),
        having(NETWORK_POLICY, {"spec podSelector": {"matchLabels": {"exposed": "true"}}, "spec ingress": [{}]}),
        having(
            NETWORK_POLICY,
            {"spec podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}, "spec ingress": [{}]},
        ),
        having(NETWORK_POLICY, {"spec ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]}),
    )
    bad = (
        (having(NETWORK_POLICY, {"spec ingress": [{}]}), "every sender"),
        (having(NETWORK_POLICY, {"spec ingress": [{"from": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]}), "every sender"),
    )
    unknown = (
        {"spec": {"podSelector": UNKNOWN, "ingress": [{}]}},
        {"spec": {"podSelector": {}, "ingress": UNKNOWN}},
    )
    beside_unknown = (({"spec": {"podSelector": {}, "ingress": [UNKNOWN, {}]}}, "every sender"),)
