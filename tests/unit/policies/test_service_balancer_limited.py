from __future__ import annotations

from policies.rules import service_balancer_limited
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import SERVICE, UNKNOWN, having


class TestServiceBalancerLimited(Battery):
    rule = service_balancer_limited.RULE
    resource_type = "kubernetes:core/v1:Service"
    good = (
        SERVICE,
        {"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"]}},
    )
    bad = (
        (having(SERVICE, {"spec type": "LoadBalancer"}), "every network"),
        ({"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": ["0.0.0.0/0"]}}, "every network"),
    )
    unknown = ({"spec": {"type": "LoadBalancer", "loadBalancerSourceRanges": UNKNOWN}},)
